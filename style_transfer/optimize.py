"""The pyramid: one stage after another, from coarse to fine, one `fit` each."""

import contextlib
import gc
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common.callbacks import Ending
from common.distribution import devices
from common.fast.custom_gradients import released_graphs
from common.fast.graph_optimizer import is_small, without_graph_optimizer
from style_transfer import config as configuration
from style_transfer import extractors
from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.image_model import StyledImage, TiledImage
from style_transfer.instant import coarse_to_fine
from style_transfer.masks import Guides, Masks
from style_transfer.objective import Objective, Weights
from style_transfer.plan import Level, Stage, choose_weights, plan
from style_transfer.prepare import Source, finish, initial_image, palette_of, prepare, read
from style_transfer.refine import build_objective, with_refinement
from style_transfer.stage import MEASURABLE, fit_stage
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
    stages = plan_stages(config, content.size, extractor)
    strength = config.appearance.strength
    follows = weights.content and strength and config.optimization.optimizer == "adam"
    dial = (dial or Dial(strength)) if follows else None  # a line search needs a fixed objective
    image, state, levels, inputs = None, None, [], None
    for stage in stages if strength else ():
        begins = inputs is None or stage.size != inputs.size
        if begins:
            measures = bool(dial) and (dial.alone is None or max(stage.size) <= MEASURABLE)
            inputs = prepare_level(stage.size, content, styles, config, masks, measures)
            image = start_image(config, inputs) if image is None else resized(image, inputs)
        with contextlib.nullcontext() if extractor.keeps_graphs else released_graphs():
            done = sum(level.iterations for level in levels)
            model = build_model(inputs, image, stage, config, weights, first_step=done)
            if begins and measures:
                dial.shift = change_by_palette(inputs, model.terms)
            with without_graph_optimizer() if is_small(stage.size) else contextlib.nullcontext():
                level, state = fit_stage(model, stage, config, callbacks, ending, dial, state=state)
            image = model.average.numpy()[0]
            levels.append(level)
            for callback in callbacks:
                callback.set_model(None)  # or it keeps the image and its graphs
            del model
        if extractor.keeps_graphs:
            gc.collect()  # the model's graphs are cycles
        if ending.decided:
            break
    keep = masks.keep_at(stages[-1].size) if masks else None
    if image is None:  # a strength of 0
        image, _ = prepare(content, [], stages[-1].size, config)
    return finish(image, content, stages[-1].size, config, keep), levels


@dataclass(frozen=True)
class LevelInputs:
    """Content, styles and masks at the size of a level.

    Attributes:
        size: (width, height).
        goal: The content that the image is compared with, (H, W, 3) float32 in [0, 1].
        plain: The content in its own colors. Only a dial that measures and masks need it;
            otherwise, and where it equals `goal`, it is `goal`.
        references: The styles, (h, w, 3) each.
        guides: The masks, or None.
    """

    size: tuple[int, int]
    goal: np.ndarray
    plain: np.ndarray
    references: Sequence[np.ndarray]
    guides: Guides | None


def prepare_level(
    size: tuple[int, int],
    content: Image.Image,
    styles: Sequence[Image.Image],
    config: Config,
    masks: Masks | None,
    measures: bool,
) -> LevelInputs:
    """Prepare content, styles and masks for the stages of a size.

    Args:
        size: (width, height).
        content: As `read` returns it.
        styles: The same.
        config: Names the colors, the strength and the scale of the strokes.
        masks: Of the content and the styles, or None.
        measures: Whether a dial measures how far the palette changes the content.
    """
    plain, references = prepare(content, styles, size, config, palette=False)
    goal = recolored(plain, references, config, masks)
    if not measures and not masks:
        plain = goal  # frees a copy of a large image
    sizes = [style.shape[1::-1] for style in references]
    return LevelInputs(size, goal, plain, references, masks.at(size, sizes) if masks else None)


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


def start_image(config: Config, inputs: LevelInputs) -> np.ndarray:
    """Return what the first level starts from, (H, W, 3) float32 in [0, 1]."""
    if config.appearance.init == "instant":
        image = coarse_to_fine.render(inputs.goal, inputs.references, config)
    else:
        image = initial_image(config, inputs.goal, inputs.references[0])
    return inputs.guides.hold(image, inputs.plain) if inputs.guides else image


def resized(image: np.ndarray, inputs: LevelInputs) -> np.ndarray:
    """Return the result of the last level at the size of the next, (H, W, 3) float32."""
    image = tf.image.resize(image, inputs.goal.shape[:2], "bicubic").numpy()
    return inputs.guides.hold(image, inputs.plain) if inputs.guides else image


def build_model(
    inputs: LevelInputs,
    image: np.ndarray,
    stage: Stage,
    config: Config,
    weights: Weights,
    *,
    first_step: int,
) -> StyledImage:
    """Build the image of one stage with its objective; a large one is computed in tiles.

    Args:
        inputs: Of this size.
        image: Where the stage begins, (H, W, 3).
        stage: Names the extractor.
        config: Names the losses and the size of a tile.
        weights: Of the layers.
        first_step: Iterations of the earlier stages.
    """
    extractor, tile = stage.extractor, config.optimization.tile
    large = is_large(stage.size, extractor, tile)
    if large:
        extractor = tiled(extractor, weights, tile)
    recolors = inputs.goal is not inputs.plain
    shares = config.appearance.style_weights or [1.0] * len(inputs.references)
    objective = build_objective(
        config,
        extractor,
        tf.constant(inputs.goal[None]),
        [(tf.constant(each[None]), w) for each, w in zip(inputs.references, shares, strict=True)],
        weights,
        guides=inputs.guides,
        kept=tf.constant(inputs.plain[None]) if inputs.guides and recolors else None,
    )
    if large:
        for region in objective.regions:
            extractor.apply.expect(region.weights)
    if weights.content:
        objective.content_scale.assign(usual_scale(config.appearance.strength))
    kind = TiledImage if large else StyledImage
    return kind(np.clip(image, 0, 1)[None], objective, first_step, stage.horizon)


def change_by_palette(inputs: LevelInputs, objective: Objective) -> float:
    """Compute the content distance between the content in its own colors and in the styles'."""
    if inputs.goal is inputs.plain:
        return 0.0
    return objective.content_distance(tf.constant(inputs.plain[None]))


def plan_stages(config: Config, size: tuple[int, int], extractor: Extractor) -> list[Stage]:
    """Plan the stages of an image of a size (width, height), with refinement."""
    return with_refinement(plan(config, size, extractor), config, extractor)


def load_extractor(config: Config) -> Extractor:
    """Load the extractor that the configuration names, in its precision."""
    dtype = devices.resolve_precision(config.optimization.precision)
    return extractors.load(config.extractor, config.optimization.pooling, dtype)
