"""The configuration of a training run: dataclasses and their check, quick to import.

They stand apart from the code they configure because that code imports
TensorFlow, which takes seconds, and bad arguments should be told at once.
"""

from common.distribution import cluster
from common.errors import InputError
from common.images import MODES
from common.runs import check_new
from gan.config import MAX_AUGMENT, Config, OptimizerConfig
from gan.data.base import check_resolution
from gan.data.load import check_dataset

LOSSES_WITH_LABELS = ("non_saturating", "minimax", "least_squares")


def check(config: Config) -> None:
    """Raises InputError for everything that can be known without TensorFlow."""
    check_resolution(config.data.resolution)
    check_dataset(config.data.dataset)
    networks, balance, stop, run = config.networks, config.balance, config.stop, config.run
    if config.data.channels not in (0, *MODES):
        raise InputError(
            f"--channels: expected 0 (the dataset's own), 1, 3 or 4, got {config.data.channels}"
        )
    for flag, value in (("--epochs", stop.epochs), ("--max-minutes", stop.max_minutes)):
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"{flag}: expected more than 0, got {value:g}")
    for flag, value, low, high in (
        ("--batch-size", config.batch_size, 2, None),
        ("--ema-kimg", config.ema_kimg, 0, None),
        ("--penalty-weight", config.penalty_weight, 0, None),
        ("--seed", config.seed, 0, 2**31 - 100),
        ("--networks.latent-size", networks.latent_size, 1, None),
        ("--networks.width", networks.width, 1, None),
        ("--networks.discriminator-width", networks.discriminator_width, 0, None),
        ("--balance.discriminator-steps", balance.discriminator_steps, 1, None),
        ("--balance.generator-steps", balance.generator_steps, 1, None),
        ("--balance.pause-accuracy", balance.pause_accuracy, 0, 1),
        ("--balance.resume-accuracy", balance.resume_accuracy, 0, balance.pause_accuracy),
        ("--balance.pause-loss", balance.pause_loss, 0, None),
        ("--balance.label-smoothing", balance.label_smoothing, 0, 0.5),
        ("--balance.label-flips", balance.label_flips, 0, 0.5),
        ("--balance.instance-noise", balance.instance_noise, 0, None),
        ("--balance.instance-noise-kimg", balance.instance_noise_kimg, 0, None),
        ("--balance.weight-clip", balance.weight_clip, 0, None),
        ("--balance.augment", balance.augment, 0, MAX_AUGMENT),
        ("--balance.augment-target", balance.augment_target, 0, 1),
        ("--balance.augment-kimg", balance.augment_kimg, 0.001, None),
        ("--patience", stop.patience, 0, None),
        ("--evaluate-every", stop.evaluate_every, 0, None),
        ("--evaluate-count", stop.evaluate_count, 12, None),
        ("--tick-kimg", run.tick_kimg, 0, None),
        ("--steps-per-execution", run.steps_per_execution, 1, None),
        *_optimizer_bounds("generator", config.generator),
        *_optimizer_bounds("discriminator", config.discriminator),
    ):
        _check_bounds(flag, value, low, high)
    if balance.resume_loss and balance.resume_loss < balance.pause_loss:
        raise InputError(
            f"--balance.resume-loss: expected at least --balance.pause-loss "
            f"{balance.pause_loss:g}, got {balance.resume_loss:g}"
        )
    if config.penalty != "none" and networks.normalization == "batch":
        raise InputError(
            f"--penalty {config.penalty}: needs --networks.normalization layer, spectral or none; "
            "batch normalisation mixes the pictures whose gradients it takes one by one"
        )
    if balance.label_smoothing and config.loss not in LOSSES_WITH_LABELS:
        raise InputError(
            f"--balance.label-smoothing: expected a loss with labels "
            f"({', '.join(LOSSES_WITH_LABELS)}), got --loss {config.loss}"
        )
    if (
        config.update == "simultaneous"
        and balance.discriminator_steps * balance.generator_steps > 1
    ):
        raise InputError("--update simultaneous: expected one step of each network")
    if run.compile == "on" and run.deterministic:
        raise InputError("--compile on: cannot be had with --deterministic")
    if found := cluster.find(run.strategy):
        cluster.check_batch_size(config.batch_size, len(found.workers), "workers")
        if balance.on_alarm in ("balance", "restore"):
            raise InputError(
                f"--balance.on-alarm {balance.on_alarm}: expected a single process, got a "
                "cluster; use stop or warn, or --balance auto from the start"
            )
    if run.run_dir and not run.resume:
        check_new(run.run_dir)
    if run.run_dir and run.resume:
        raise InputError("--run-dir: a resumed run stays in its folder; leave it out")


def _optimizer_bounds(name: str, config: OptimizerConfig) -> list[tuple]:
    if config.schedule != "constant" and not config.decay_kimg:
        raise InputError(f"--{name}.schedule {config.schedule}: needs --{name}.decay-kimg")
    return [
        (f"--{name}.learning-rate", config.learning_rate, 0, None),
        (f"--{name}.beta-1", config.beta_1, 0, 1),
        (f"--{name}.beta-2", config.beta_2, 0, 1),
        (f"--{name}.decay-kimg", config.decay_kimg, 0, None),
        (f"--{name}.clip-norm", config.clip_norm, 0, None),
    ]


def _check_bounds(flag: str, value: float | None, low: float, high: float | None) -> None:
    if value is None or (low <= value and (high is None or value <= high)):
        return
    expected = f"at least {low}" if high is None else f"{low:g} to {high:g}"
    raise InputError(f"{flag}: expected {expected}, got {value}")
