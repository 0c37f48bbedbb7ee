"""The configuration of a training run: dataclasses and their check, quick to import.

They stand apart from the code they configure because that code imports
TensorFlow, which takes seconds, and bad arguments should be told at once.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.distribution.cluster import Strategy
from common.distribution.devices import Compile, Precision
from common.errors import InputError
from common.runs import plain

CACHE = Path(__file__).resolve().parent.parent / ".cache"


@dataclass(frozen=True)
class DataConfig:
    """What to learn from."""

    dataset: str = "glyphs"
    """glyphs (embedded), a folder of pictures, or an image dataset of TensorFlow Datasets."""
    resolution: int = 0
    """Pixels of a side, 16 to 128; 0: the dataset's own, at most 64."""
    channels: int = 0
    """1, 3 or 4; 0: the dataset's own."""
    conditional: Literal["auto", "on", "off"] = "auto"
    """Tell both networks the class. auto: where there are classes, of 50 pictures on average."""
    horizontal_flip: bool = False
    """Flip pictures left to right at random."""


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of both networks."""

    latent_size: int = 64
    """Numbers that the generator turns into a picture."""
    width: int = 32
    """Filters at half the resolution; every halving doubles them, up to 8 times."""
    discriminator_width: int = 0
    """The same for the discriminator; 0: as the generator's."""
    upsampling: Literal["transposed", "resize", "subpixel"] = "transposed"
    """How the generator doubles the resolution."""
    normalization: Literal["batch", "layer", "spectral", "none"] = "batch"
    """In the discriminator. Penalties want one that does not mix pictures: not batch."""


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam (Kingma and Ba 2015) for one of the two networks."""

    learning_rate: float = 4e-3
    """At the start."""
    beta_1: float = 0.5
    """Decay of the gradient's running mean."""
    beta_2: float = 0.99
    """Decay of its running square."""
    schedule: Literal["constant", "inverse", "linear", "cosine"] = "constant"
    """How the rate falls. inverse: as 1 / (1 + images / decay), whose end need not be known; linear
    and cosine: to zero."""
    decay_kimg: float = 0.0
    """Thousand images until the rate is zero, or half of it with inverse."""
    clip_norm: float = 0.0
    """Largest norm of the whole gradient; 0: as it comes."""


@dataclass(frozen=True)
class BalanceConfig:
    """The controls between the two networks; 0 leaves a control off."""

    mode: Annotated[Literal["fixed", "auto"], tyro.conf.arg(name="balance", prefix_name=False)] = (
        "fixed"
    )
    """auto: augmentation follows how far the discriminator overfits (a tenth of the pictures, at
    most 128, are held out to tell), both rates the mean sign of its logits for real ones, steps are
    bounded, beta_1 is at most 0.5; fixed: only the controls named below."""
    on_alarm: Literal["warn", "stop", "balance", "restore"] = "warn"
    """When a collapse is noticed: only say so; end the run; switch the controls of --balance auto
    on, all but its limit on beta_1; or do that and go back to the best state. The last two hold
    pictures out from the start, and need a single process."""
    discriminator_steps: int = 1
    """Discriminator updates per training step, each on a batch of its own."""
    generator_steps: int = 1
    """Generator updates per training step."""
    pause_accuracy: float = 0.0
    """Pause the discriminator while its running accuracy is above this ..."""
    resume_accuracy: float = 0.0
    """... until it is below this; 0: the same as pause_accuracy."""
    pause_loss: float = 0.0
    """Pause the discriminator while its running loss is below this ..."""
    resume_loss: float = 0.0
    """... until it is above this; 0: the same as pause_loss."""
    label_smoothing: float = 0.0
    """How far the target of real pictures is lowered from 1."""
    label_flips: float = 0.0
    """Probability that a pair of a real and a fake picture is swapped for the discriminator."""
    instance_noise: float = 0.0
    """Standard deviation of the noise on all that the discriminator sees, at the start."""
    instance_noise_kimg: float = 0.0
    """Thousand images over which the noise falls linearly to zero; 0: it stays."""
    weight_clip: float = 0.0
    """Largest absolute value of the discriminator's kernels."""
    augment: float = 0.0
    """Probability of each augmentation of what the discriminator sees; at most 0.8."""
    augment_target: float = 0.0
    """Adapt that probability until the mean sign of D(real) is this; 0.6 suits small datasets."""
    augment_kimg: float = 20.0
    """Thousand images in which it can rise from 0 to 1."""
    augment_operations: tuple[
        Literal["translate", "flip", "cutout", "brightness", "contrast"], ...
    ] = ("translate", "cutout", "brightness", "contrast")
    """Which augmentations."""


def has_auto(balance: BalanceConfig) -> bool:
    """Whether the controls of `--balance auto` are there, if only to be woken by an alarm."""
    return balance.mode == "auto" or balance.on_alarm in ("balance", "restore")


EVALUATED, UNEVALUATED = "quality/frechet_distance", "quality/sliced_wasserstein"


@dataclass(frozen=True)
class StopConfig:
    """When to end. Without epochs and max_minutes: after 4 minutes."""

    epochs: float | None = None
    """Passes over the dataset, counting what is held out."""
    max_minutes: float | None = None
    """Wall-clock budget, training before a resume included; everything is saved at its end."""
    evaluate_every: float = 50.0
    """Thousand images between two Frechet distances of the averaged generator; 0: none."""
    evaluate_count: int = 2000
    """Pictures of either side for them."""
    evaluate_features: Literal["auto", "classifier", "compact", "inception"] = "compact"
    """Whose features; a classifier is trained first, for up to 20 seconds."""
    monitor: str = EVALUATED
    """The figure that names the best checkpoint; any in TensorBoard's SCALARS. Without evaluation
    quality/sliced_wasserstein."""
    monitor_mode: Literal["min", "max"] = "min"
    """Whether less or more of it is better."""
    target: float | None = None
    """End when the monitored figure reaches this."""
    patience: int = 0
    """End after so many looks at the monitored figure without a better one; 0: never."""


@dataclass(frozen=True)
class RunConfig:
    """Where a run goes and what it writes."""

    run_dir: Path | None = None
    """The run's new folder; runs/DATASET-DATE-TIME by default."""
    resume: Path | None = None
    """Go on with the run in this folder."""
    tick_kimg: float = 10.0
    """Thousand images between two log points, each with a checkpoint and, for the first 40,
    samples; these come more rarely later."""
    histograms: bool = False
    """Write weight histograms to TensorBoard."""
    steps_per_execution: int = 4
    """Training steps between two looks at the clock and at Ctrl-C."""
    deterministic: bool = False
    """Force repeatable kernels; on a processor they are so anyway."""
    compile: Compile = "auto"
    """Compile the step with XLA. auto: on a single GPU."""
    strategy: Strategy = "auto"
    """Among whom each batch is split. mirrored: this machine's GPUs. multiworker: the processes in
    TF_CONFIG or of srun. auto: multiworker where there are several processes, otherwise mirrored
    where there are several GPUs, otherwise single."""
    cache_dir: Path = CACHE
    """Where prepared datasets and downloads are kept."""


@dataclass(frozen=True)
class Config:
    """Trains a DCGAN. `python -m gan.train` alone draws letters and digits in 4 minutes."""

    data: Annotated[DataConfig, tyro.conf.OmitArgPrefixes] = DataConfig()
    loss: Literal[
        "non_saturating", "minimax", "least_squares", "hinge", "wasserstein", "relativistic"
    ] = "non_saturating"
    """The adversarial loss."""
    penalty: Literal["none", "r1", "r2", "r1_r2", "wgan_gp"] = "none"
    """Gradient penalty on the discriminator."""
    penalty_weight: float = 1.0
    """Its weight; usual are 10 for wgan_gp, 0.1 to 10 for the others."""
    update: Literal["alternating", "simultaneous"] = "alternating"
    """Whether the generator meets the updated discriminator, or both move at once."""
    batch_size: int = 256
    """Pictures per update, all replicas together."""
    ema_kimg: float = 40.0
    """Half-life of the averaged generator, in thousand images; at most a twentieth of those seen
    so far."""
    seed: int = 0
    """All randomness comes from it."""
    precision: Precision = "auto"
    """auto: bfloat16 where the processor or GPU computes it natively, float16 with scaled losses
    on older GPUs."""
    networks: NetworkConfig = NetworkConfig()
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    balance: BalanceConfig = BalanceConfig()
    stop: Annotated[StopConfig, tyro.conf.OmitArgPrefixes] = StopConfig()
    run: Annotated[RunConfig, tyro.conf.OmitArgPrefixes] = RunConfig()


PARTS = {
    "data": DataConfig,
    "networks": NetworkConfig,
    "generator": OptimizerConfig,
    "discriminator": OptimizerConfig,
    "balance": BalanceConfig,
    "stop": StopConfig,
}
MAX_AUGMENT = 0.8  # above, the generator would learn the augmented look
CHANGEABLE = (  # on a resume; the rest decides
    "stop.",
    "run.histograms",
    "run.cache_dir",
    "run.compile",
    "run.strategy",
)


def to_dict(config: Config) -> dict[str, Any]:
    """What is written to disk: all but where the run lies."""
    fields = dataclasses.asdict(config)
    del fields["run"]["run_dir"], fields["run"]["resume"]
    return plain(fields)


def from_dict(fields: dict[str, Any], resume: Path | None = None) -> Config:
    """The inverse of `to_dict`, for the run in the folder `resume`.

    Raises:
        InputError: the fields are not those of this version.
    """
    try:
        parts = {name: part(**_tuples(fields[name])) for name, part in PARTS.items()}
        run = {**fields["run"], "cache_dir": Path(fields["run"]["cache_dir"]), "resume": resume}
        return Config(**{**fields, **parts, "run": RunConfig(**run)})
    except (KeyError, TypeError) as error:
        raise InputError(f"config.json: written by another version ({error})") from None


def monitored(stop: StopConfig) -> str:
    """The figure that names the best checkpoint."""
    without = stop.monitor == EVALUATED and not stop.evaluate_every
    return UNEVALUATED if without else stop.monitor


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that they were."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
