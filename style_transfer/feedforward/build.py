"""From a configuration to a network, its objective and the model that trains it."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common.checkpoints import Checkpoints, assign
from common.distribution import devices
from common.fast import xla
from common.muon import Muon
from common.transparency import fill
from style_transfer import extractors
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward import network
from style_transfer.feedforward.config import Config
from style_transfer.feedforward.crop_objective import CropObjective
from style_transfer.feedforward.network import Shape
from style_transfer.feedforward.painter import Painter
from style_transfer.feedforward.saved import Saved
from style_transfer.feedforward.validation import LAYERS
from style_transfer.plan import choose_weights
from style_transfer.prepare import style_size
from style_transfer.strength import usual_scale

CLIP = 1.0  # norm of all gradients; flat crops have far larger ones than others
MOMENTUM = 0.9  # of Muon
STEP = 0.4  # root mean square of a kernel's update, relative to the learning rate
EXECUTION = 5  # steps between two checks of the time limit and of Ctrl-C


def style_targets(images: Sequence[Image.Image], config: Config) -> list[np.ndarray]:
    """Scale style images to the size at which the network paints, uint8 (h, w, 3) each."""
    stylization, square = configuration.as_stylization(config), (config.size, config.size)
    sizes = [style_size(image.size, square, stylization) for image in images]
    return [
        image_io.from_unit(fill(image_io.resize(image, size)))
        for image, size in zip(images, sizes, strict=True)
    ]


def build_objective(config: Config, targets: Sequence[np.ndarray], precision: str) -> CropObjective:
    """Build the objective of crops.

    Args:
        config: Names the extractor, the losses and the strength.
        targets: As `style_targets` returns them.
        precision: "float32" or "bfloat16".

    Raises:
        InputError: The extractor cannot be loaded.
    """
    extractor = extractors.load(config.extractor, dtype=precision)
    objective = CropObjective(
        extractor,
        [tf.constant(image_io.to_unit(target))[None] for target in targets],
        choose_weights(configuration.as_stylization(config), extractor, LAYERS),
        configuration.crop_side(config),
        statistic=config.statistic,
    )
    objective.content_scale.assign(usual_scale(config.strength))
    return objective


def build_painter(
    config: Config,
    objective: CropObjective,
    precision: str,
    old: int = 0,
    base: Saved | None = None,
) -> Painter:
    """Build and compile the model that trains.

    Args:
        config: The run's configuration.
        objective: Of its styles.
        precision: "float32" or "bfloat16".
        old: Number of styles of the network before those of the objective. Only the scales
            and shifts are trained if there are such.
        base: The run with these styles, whose weights are copied; new styles start from
            the mean of the others. None leaves the weights to a checkpoint.

    Raises:
        InputError: The checkpoint of `base` cannot be used.
    """
    keras.utils.set_random_seed(config.seed)
    shape = shape_of(config, old + len(config.style))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(devices.keras_policy(precision))
    try:
        trained, average = network.build(shape, movable=True), network.build(shape)
    finally:
        keras.config.set_dtype_policy(policy)
    if base:
        extend(load(base), trained)
    painter = Painter(
        trained,
        average,
        objective,
        side=configuration.crop_side(config),
        trained=network.style_tables(trained) if old else None,
        first_style=old,
        ema_images=config.training.ema_images,
        warp_weight=config.training.warp_weight if config.video else 0.0,
    )
    painter.compile(
        Muon(
            config.training.learning_rate,
            momentum=MOMENTUM,
            rms_rate=STEP,
            global_clipnorm=CLIP,
        ),
        steps_per_execution=EXECUTION,
        **xla.compile_options(devices.resolve_compile(config.training.compile)),
    )
    return painter


def shape_of(config: Config, styles: int) -> Shape:
    """Return the shape of a configuration's network for a number of styles.

    Example:
        >>> shape_of(Config(), 2)
        Shape(width=16, depth=6, styles=2, waves=16, upsampling='subpixel')
    """
    wanted = configuration.resolved(config).network
    return Shape(wanted.width, wanted.depth, styles, wanted.waves, wanted.upsampling)


def extend(base: keras.Model, target: keras.Model) -> None:
    """Give a network the weights of one with fewer styles.

    Args:
        base: With S styles.
        target: With more; its first S become those of `base`, each other the mean of these.
    """
    known = {variable.path: variable.numpy() for variable in base.weights}
    for variable in target.weights:
        value = known[variable.path]
        if value.shape != tuple(variable.shape):
            rest = variable.shape[0] - value.shape[0]
            value = np.concatenate([value, np.repeat(value.mean(0, keepdims=True), rest, 0)])
        variable.assign(value)


def load(saved: Saved, kernels: str = "fast", *, movable: bool = False) -> keras.Model:
    """Load the network of a run's last checkpoint: the moving average of its weights.

    Args:
        saved: The run.
        kernels: As of `network.build`.
        movable: The same.

    Returns:
        In float32.

    Raises:
        InputError: There is no checkpoint, or it holds another network.

    Example:
        >>> network = load(saved.read(Path("runs/style-wave"), "--model"))
    """
    arrays, _ = Checkpoints(saved.folder).load("last")
    shape = shape_of(saved.config, len(saved.styles))
    # "fast" has the order of the checkpoint's weights
    found = network.build(shape, movable=movable)
    assign(found.weights, arrays, f"{saved.folder}: its checkpoint")
    if kernels == "fast":
        return found
    other = network.build(shape, kernels, movable=movable)
    network.copy_weights(found, other)
    return other
