"""The pyramid: one stage after another, from coarse to fine, one `fit` each."""

import contextlib
import gc
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from common.callbacks import Ending
from common.distribution import devices
from common.fast.graph_optimizer import is_small, without_graph_optimizer
from style_transfer import config as configuration
from style_transfer import extractors
from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.fitting import MEASURABLE, fit_stage
from style_transfer.image_model import StyledImage, TiledImage
from style_transfer.instant import coarse_to_fine
from style_transfer.masks import Masks
from style_transfer.plan import Level, Stage, choose_weights, plan
from style_transfer.prepare import Source, finish, initial_image, palette_of, prepare, read
from style_transfer.refine import build_objective, with_refinement
from style_transfer.strength import Dial, usual_scale
from style_transfer.tile_layout import is_large
from style_transfer.tiling import tiled


def paint(
    content: Source,
    styles: Source | Sequence[Source],
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    extractor: Extractor | None = None,
    ending: Ending | None = None,
    *,
    masks: Masks | None = None,
    dial: Dial | None = None,
) -> tuple[np.ndarray, list[Level]]:
    """Stylize one image and report how each stage went.

    Args:
        content: A file, a Pillow image, or an array (H, W, 3 or 4).
        styles: One or several of the same.
        config: The configuration. Its files are not read.
        callbacks: Keras callbacks of every stage.
        extractor: Replaces `config.extractor`.
        ending: Through it a callback ends all stages; the image is then returned
            as it is, at full size.
        masks: Of the content and the styles.
        dial: Replaces a new one of this strength; afterwards its scale is the weight of the
            content that reached it. It is not used where nothing could follow it.

    Returns:
        float32 (H, W, 3 or 4) in [0, 1], and one report per stage.

    Raises:
        InputError: An image, a size, a layer or the extractor cannot be used.
    """
    config, ending = configuration.resolve(config), ending or Ending()
    content, styles = read(content, styles, config)
    extractor = extractor or load_extractor(config)
    weights = choose_weights(config, extractor)
    shares = config.appearance.style_weights or [1.0] * len(styles)
    stages = plan_stages(config, content.size, extractor)
    strength = config.appearance.strength
    follows = weights.content and strength and config.optimization.optimizer == "adam"
    dial = (dial or Dial(strength)) if follows else None  # a line search needs a fixed objective
    image, state, levels, size, guides = None, None, [], None, None
    for stage in stages if strength else ():
        begins = stage.size != size
        if begins:
            size = stage.size
            plain, references = prepare(content, styles, size, config, palette=False)
            goal = recolored(plain, references, config, masks)
            if image is None:
                image = start_image(config, goal, references)
            else:
                image = tf.image.resize(image, goal.shape[:2], "bicubic").numpy()
            if masks:
                guides = masks.at(size, [style.shape[1::-1] for style in references])
                image = guides.hold(image, plain)
            kept = tf.constant(plain[None]) if masks and goal is not plain else None
        large = is_large(size, stage.extractor, config.optimization.tile)
        extractor = stage.extractor
        if large:
            extractor = tiled(extractor, weights, config.optimization.tile)
        objective = build_objective(
            config,
            extractor,
            tf.constant(goal[None]),
            [(tf.constant(style[None]), w) for style, w in zip(references, shares, strict=True)],
            weights,
            guides=guides,
            kept=kept,
        )
        if large:
            for region in objective.regions:
                extractor.apply.expect(region.weights)
        if dial and begins and (dial.alone is None or max(size) <= MEASURABLE):
            changed = goal is not plain
            dial.shift = objective.content_distance(tf.constant(plain[None])) if changed else 0.0
        plain = None  # frees a copy of a large image
        first_step = sum(level.iterations for level in levels)
        kind = TiledImage if large else StyledImage
        if weights.content:
            objective.content_scale.assign(usual_scale(strength))
        model = kind(np.clip(image, 0, 1)[None], objective, first_step, stage.horizon)
        with without_graph_optimizer() if is_small(size) else contextlib.nullcontext():
            level, state = fit_stage(model, stage, config, callbacks, ending, dial, state=state)
        image = model.average.numpy()[0]
        levels.append(level)
        del model, objective
        gc.collect()  # graphs are cycles: free their memory before the next stage is built
        if ending.decided:
            break
    keep = masks.keep_at(stages[-1].size) if masks else None
    if image is None:  # a strength of 0
        image, _ = prepare(content, [], stages[-1].size, config)
    return finish(image, content, stages[-1].size, config, keep), levels


def recolored(
    plain: np.ndarray, references: Sequence[np.ndarray], config: Config, masks: Masks | None
) -> np.ndarray:
    """Give the content the styles' palette, but for what is kept.

    With masks of regions it keeps its own colors: its regions take different styles.

    Args:
        plain: The content in its own colors, (H, W, 3).
        references: The styles, (h, w, 3) each.
        config: Names the colors and the strength.
        masks: Of the content and the styles, or None.

    Returns:
        (H, W, 3) float32 in [0, 1]; `plain` itself if its colors stay.
    """
    palette = None if masks and masks.of_regions else palette_of(plain, references, config)
    if palette is None:
        return plain
    goal = palette(plain)
    keep = masks.keep_at(plain.shape[1::-1]) if masks else None
    return goal if keep is None else goal + keep[0] * (plain - goal)


def start_image(config: Config, goal: np.ndarray, references: Sequence[np.ndarray]) -> np.ndarray:
    """Return what the first level starts from, (H, W, 3) float32 in [0, 1].

    Args:
        config: Names the kind of start.
        goal: The content, (H, W, 3).
        references: The styles, (h, w, 3) each.
    """
    if config.appearance.init == "instant":
        return coarse_to_fine.render(goal, references, config)
    return initial_image(config, goal, references[0])


def plan_stages(config: Config, size: tuple[int, int], extractor: Extractor) -> list[Stage]:
    """Plan the stages of an image of a size (width, height), with refinement."""
    return with_refinement(plan(config, size, extractor), config, extractor)


def load_extractor(config: Config) -> Extractor:
    """Load the extractor that the configuration names, in its precision."""
    dtype = devices.resolve_precision(config.optimization.precision)
    return extractors.load(config.extractor, config.optimization.pooling, dtype)
