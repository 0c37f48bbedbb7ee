"""Configuration of a training run, importable without TensorFlow."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common import registry
from common.bounds import Hidden, bounded, restored
from common.distribution.cluster import Strategy
from common.distribution.devices import CACHE, Compile, Precision
from common.runs import plain
from gan import resolution as resolutions
from gan.reconstruction.reconstruction_options import ReconstructionConfig

MAX_AUGMENT = 0.8  # above, the generator would learn the augmentations: Karras et al. 2020
FAMILIES = registry.module_names("gan.networks", exclude=["base"])
PRESETS = registry.table_keys("gan.presets", "PRESETS")
LOSSES = registry.table_keys("common.losses.adversarial", "ADVERSARIAL")
PENALTIES = ("none", *registry.table_keys("common.losses.penalties", "PENALTIES"))
NORMALIZATIONS = registry.table_keys("gan.networks.dcgan", "NORMALIZATION")
PRIORS = registry.table_keys("common.priors", "PRIORS")
AUTO = "auto"


@dataclass(frozen=True)
class DataConfig:
    """Training images."""

    dataset: str = "glyphs"
    """glyphs (embedded), a folder of images, or an image dataset of TensorFlow Datasets."""
    resolution: Annotated[resolutions.Resolution, resolutions.ARGUMENT] = 0
    """Side of a square, or HEIGHTxWIDTH such as 64x96, in pixels. 0: the largest that fits the
    images and --networks, at most 64; a rectangle if a folder's images are clearly not square."""
    channels: int = 0
    """1 (gray), 3 (RGB) or 4 (RGBA). 0: those of the dataset, with transparency over white."""
    conditional: Literal["auto", "on", "off"] = AUTO
    """Condition both networks on the class. auto: if the dataset has labels and at least 50 images
    per class on average."""
    horizontal_flip: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Flip each image left to right with probability 0.5."""


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of the generator and the discriminator."""

    name: Annotated[
        str,
        tyro.conf.arg(name="networks", prefix_name=False, metavar="{" + ",".join(FAMILIES) + "}"),
    ] = "dcgan"
    """Architecture family: a module of gan/networks."""
    kernels: Annotated[
        Literal["fast", "keras"], tyro.conf.arg(name="kernels", prefix_name=False)
    ] = "fast"
    """fast: layers and optimizer of common/fast. keras: stock Keras, the same results."""
    latent_size: Hidden[int] = bounded(64, 1, 2**16)
    """Dimensionality of the latent vector."""
    width: int = bounded(32, 1, 2**10)
    """Filters at half the resolution; each further halving doubles them, up to 8 times."""
    discriminator_width: Hidden[int] = bounded(0, 0, 2**10)
    """The same for the discriminator. 0: as for the generator."""
    upsampling: Hidden[Literal["transposed", "resize", "subpixel"]] = "transposed"
    """How the generator doubles the resolution."""
    normalization: Hidden[Literal[NORMALIZATIONS]] = "batch"  # type: ignore
    """In the discriminator. Gradient penalties need one that does not mix images: not batch."""
    head: Hidden[Literal["linear", "san"]] = "linear"
    """Last layer of the discriminator. san: a slicing head (Takida et al. 2024)."""
    minibatch_deviation: Hidden[int] = bounded(0, 0, 2**10)
    """Images per group whose deviation the discriminator's last layers see. 0: none."""
    options: tuple[str, ...] = ()
    """Options of the family, each key=value."""


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer of one of the two networks."""

    optimizer: Hidden[Literal["adam", "muon"]] = "adam"
    """adam: Kingma and Ba 2015. muon: Jordan et al. 2024 for the kernels of convolutions, whose
    updates have a root mean square of twice the learning rate, and Adam for the rest."""
    learning_rate: float = bounded(4e-3, 0)
    """Initial learning rate."""
    beta_1: Hidden[float] = bounded(0.5, 0, 1)
    """Decay of the running mean of the gradient; Muon's momentum."""
    beta_2: Hidden[float] = bounded(0.99, 0, 1)
    """Decay of the running mean of the squared gradient."""
    schedule: Hidden[Literal["constant", "inverse", "linear", "cosine"]] = "constant"
    """How the learning rate decays. inverse: as 1 / (1 + images / decay), which needs no known
    end; linear and cosine: to zero."""
    decay_kimg: Hidden[float] = bounded(0.0, 0)
    """Thousand images until the learning rate is zero, or half of the initial one (inverse)."""
    clip_norm: Hidden[float] = bounded(0.0, 0)
    """Largest global norm of the gradient. 0: no clipping."""


@dataclass(frozen=True)
class BalanceConfig:
    """Balance controls between the two networks. 0 switches a control off."""

    mode: Annotated[Literal["fixed", "auto"], tyro.conf.arg(name="balance", prefix_name=False)] = (
        "fixed"
    )
    """auto: adapt the augmentation to the overfitting estimate r_v (10 % of the images, at most
    128, are held out), adapt both learning rates to r_t, limit each update, and limit beta_1 to
    0.5. fixed: only the controls set below."""
    on_alarm: Literal["warn", "stop", "balance", "restore"] = "warn"
    """Action when a collapse is detected. warn: print it. stop: end the run. balance: enable the
    controls of --balance auto except its limit of beta_1. restore: also return to the best
    checkpoint. The last two hold images out from the start and need a single process."""
    discriminator_steps: int = bounded(1, 1)
    """Discriminator updates per training step, each on its own batch."""
    generator_steps: Hidden[int] = bounded(1, 1)
    """Generator updates per training step."""
    pause_accuracy: float = bounded(0.0, 0, 1)
    """Pause the discriminator while its running accuracy is above this."""
    resume_accuracy: Hidden[float] = bounded(0.0, 0)
    """Accuracy below which it resumes. 0: the same as pause_accuracy."""
    pause_loss: Hidden[float] = bounded(0.0, 0)
    """Pause the discriminator while its running loss is below this."""
    resume_loss: Hidden[float] = bounded(0.0, 0)
    """Loss above which it resumes. 0: the same as pause_loss."""
    label_smoothing: float = bounded(0.0, 0, 0.5)
    """Amount subtracted from the target 1 of real images."""
    label_flips: Hidden[float] = bounded(0.0, 0, 0.5)
    """Probability of swapping a real and a generated image in the discriminator's loss."""
    instance_noise: float = bounded(0.0, 0)
    """Initial standard deviation of the noise added to all inputs of the discriminator."""
    instance_noise_kimg: Hidden[float] = bounded(0.0, 0)
    """Thousand images over which the noise decays linearly to zero. 0: it stays constant."""
    weight_clip: Hidden[float] = bounded(0.0, 0)
    """Largest absolute value of the discriminator's kernels."""
    augment: float = bounded(0.0, 0, MAX_AUGMENT)
    """Probability of each augmentation of the discriminator's inputs; at most 0.8."""
    augment_target: float = bounded(0.0, 0, 1)
    """Adapt that probability until r_t, the mean sign of D(real), is this. Small datasets: 0.6."""
    augment_kimg: Hidden[float] = bounded(20.0, 0.001)
    """Thousand images in which the adapted probability can rise from 0 to 1."""
    augment_operations: Hidden[
        tuple[Literal["translate", "flip", "cutout", "brightness", "contrast"], ...]
    ] = ("translate", "cutout", "brightness", "contrast")
    """Augmentations to use."""
    options: Hidden[tuple[str, ...]] = ()
    """Options of further controls, each name.key=value."""


def has_auto(balance: BalanceConfig) -> bool:
    """Return whether the controls of `--balance auto` are built, active or enabled by an alarm."""
    return balance.mode == AUTO or balance.on_alarm in ("balance", "restore")


FRECHET, SLICED_WASSERSTEIN = "quality/frechet_distance", "quality/sliced_wasserstein"


@dataclass(frozen=True)
class StopConfig:
    """When to stop and what to measure. Without --epochs and --max-minutes: after 4 minutes."""

    epochs: float | None = bounded(None, above=0)
    """Passes over the dataset, held-out images included."""
    max_minutes: float | None = bounded(None, above=0)
    """Training time in minutes, time before a resume included; everything is saved at its end."""
    evaluate_every: float = bounded(50.0, 0)
    """Thousand images between two Frechet distances of the EMA generator. 0: none."""
    evaluate_count: Hidden[int] = bounded(2000, 12)
    """Real images, and as many generated ones, per evaluation."""
    evaluate_features: Hidden[Literal["auto", "classifier", "compact", "inception"]] = "compact"
    """Feature extractor; a classifier is first trained for up to 20 seconds."""
    monitor: Hidden[str] = FRECHET
    """Metric that selects the best checkpoint, by its name in TensorBoard. Without evaluation:
    quality/sliced_wasserstein."""
    monitor_mode: Hidden[Literal["min", "max"]] = "min"
    """Whether a lower or a higher value is better."""
    target: float | None = None
    """Stop when the monitored metric reaches this value."""
    patience: int = bounded(0, 0)
    """Number of evaluations without improvement after which training stops. 0: never."""


@dataclass(frozen=True)
class RunConfig:
    """The run folder and its contents."""

    run_dir: Path | None = None
    """New folder of the run. Default: runs/DATASET-DATE-TIME."""
    resume: Path | None = None
    """Continue the run in this folder."""
    tick_kimg: Hidden[float] = bounded(10.0, 0)
    """Thousand images between two log entries, each with a checkpoint. The first 40 also write
    samples, later ones less often."""
    histograms: Hidden[bool] = False
    """Write weight histograms to TensorBoard."""
    steps_per_execution: Hidden[int] = bounded(4, 1)
    """Training steps per compiled call; the time limit and Ctrl-C are checked in between."""
    deterministic: Hidden[bool] = False
    """Use deterministic kernels; a CPU always does."""
    compile: Hidden[Compile] = AUTO
    """Compile the training step with XLA. auto: on a single GPU."""
    strategy: Strategy = AUTO
    """How each batch is split. mirrored: among the GPUs of this machine. multiworker: among the
    processes in TF_CONFIG or of srun. auto: multiworker with several processes, otherwise mirrored
    with several GPUs, otherwise single."""
    cache_dir: Path = CACHE
    """Folder of prepared datasets and downloads."""


@dataclass(frozen=True)
class Config:
    """Train a GAN. Without arguments, generate letters and digits in 4 minutes."""

    data: Annotated[DataConfig, tyro.conf.OmitArgPrefixes] = DataConfig()
    preset: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(PRESETS) + "}")] = AUTO
    """Named configuration, which the other flags modify. auto: the one with the name of --networks
    if it exists; otherwise color for a folder of color images above 32 pixels."""
    loss: Literal[LOSSES] = "non_saturating"  # type: ignore
    """Adversarial loss."""
    penalty: Literal[PENALTIES] = "none"  # type: ignore
    """Gradient penalty on the discriminator."""
    penalty_weight: float = bounded(1.0, 0)
    """Weight of the gradient penalty; usually 10 for wgan_gp, 0.1 to 10 for the others."""
    penalty_interval: Hidden[int] = bounded(1, 1)
    """Discriminator updates per gradient penalty, whose weight is multiplied by it."""
    update: Literal["alternating", "simultaneous"] = "alternating"
    """Update the discriminator before the generator, or apply both gradients of the same point."""
    prior: Literal[PRIORS] = "normal"  # type: ignore
    """Distribution of the latent vectors."""
    batch_size: int = bounded(256, 2)
    """Images per update, summed over all replicas."""
    ema_kimg: Hidden[float] = bounded(40.0, 0)
    """Half-life of the EMA generator in thousand images, at most a twentieth of those seen."""
    seed: int = bounded(0, 0, 2**31 - 100)
    """Seed of all random numbers."""
    precision: Precision = AUTO
    """auto: bfloat16 if a short measurement finds it faster on this CPU or the GPU supports it,
    float16 with loss scaling on older GPUs, otherwise float32."""
    networks: NetworkConfig = NetworkConfig()
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    balance: BalanceConfig = BalanceConfig()
    reconstruction: ReconstructionConfig = ReconstructionConfig()  # noqa: RUF009 (frozen)
    stop: Annotated[StopConfig, tyro.conf.OmitArgPrefixes] = StopConfig()
    run: Annotated[RunConfig, tyro.conf.OmitArgPrefixes] = RunConfig()


CHANGEABLE = (  # fields that a resume may change
    "preset",  # a name: what it sets is compared itself
    "stop.",
    "run.histograms",
    "run.cache_dir",
    "run.compile",
    "run.strategy",
)


def to_dict(config: Config) -> dict[str, Any]:
    """Convert a configuration to nested dictionaries for config.json.

    Returns:
        All fields except `run.run_dir` and `run.resume`.
    """
    fields = dataclasses.asdict(config)
    del fields["run"]["run_dir"], fields["run"]["resume"]
    return plain(fields)


def from_dict(
    fields: dict[str, Any], resume: Path | None = None, file: str = "config.json"
) -> Config:
    """Invert `to_dict`.

    Fields that are missing have their defaults, so that a newer version can
    resume a run and add fields.

    Args:
        fields: What config.json holds.
        resume: The run's folder.
        file: How errors name the file.

    Raises:
        InputError: A field does not exist in this version, has another type, or is
            out of its bounds.
    """
    run = fields.get("run", {}) if isinstance(fields, dict) else None
    if isinstance(run, dict):
        fields = {**fields, "run": {**run, "resume": resume}}
    return restored(Config, fields, file)


def monitored(stop: StopConfig) -> str:
    """Return the name of the metric that selects the best checkpoint."""
    without = stop.monitor == FRECHET and not stop.evaluate_every
    return SLICED_WASSERSTEIN if without else stop.monitor
