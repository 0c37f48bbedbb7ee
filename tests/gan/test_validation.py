import dataclasses

import pytest

from common.errors import InputError
from gan import validation
from gan.config import (
    BalanceConfig,
    Config,
    DataConfig,
    NetworkConfig,
    OptimizerConfig,
    StopConfig,
)
from tests.gan.tiny import run_of


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": StopConfig(max_minutes=0)}, "--max-minutes: expected more than 0"),
        ({"stop": StopConfig(epochs=float("inf"))}, "--epochs: expected more than 0, got inf"),
        ({"data": DataConfig(channels=2)}, "--channels: expected 0"),
        (
            {
                "data": DataConfig(channels=4),
                "networks": NetworkConfig("projected", normalization="spectral"),
            },
            "--networks projected: got images of 4 channels; expected 1 or 3\nset --channels 3",
        ),
        ({"data": DataConfig(resolution=33)}, "--resolution 33: .* expected one of 16, 20"),
        ({"batch_size": 1}, "--batch-size: expected at least 2, got 1"),
        ({"loss": "hing"}, "--loss: expected one of .* got hing; did you mean hinge"),
        ({"networks": NetworkConfig("dcgn")}, "--networks dcgn: .* did you mean dcgan"),
        ({"networks": NetworkConfig(options=("a=1",))}, "--networks.options a: unknown to dcgan"),
        ({"balance": BalanceConfig(options=("a.b=1",))}, "balance.options a.b: unknown option"),
        (
            {"networks": NetworkConfig("progressive", head="san")},
            "networks.head=san: --networks progressive grows",
        ),
        ({"networks": NetworkConfig("resnet")}, "networks.normalization=batch: --networks resnet"),
        ({"penalty": "r1"}, "networks.normalization"),
        ({"loss": "hinge", "balance": BalanceConfig(label_smoothing=0.1)}, "loss with labels"),
        ({"balance": BalanceConfig(pause_accuracy=0.8, resume_accuracy=0.9)}, "resume_accuracy"),
        ({"balance": BalanceConfig(pause_loss=0.8, resume_loss=0.2)}, "resume_loss"),
        ({"balance": BalanceConfig(augment_operations=("tilt",))}, "expected one of translate"),
        ({"generator": OptimizerConfig(schedule="linear")}, "generator.decay_kimg"),
        ({"discriminator": OptimizerConfig(beta_2=1.5)}, "--set discriminator.beta_2: expected 0"),
        (
            {"discriminator": OptimizerConfig(learning_rate=float("nan"))},
            "--discriminator.learning-rate: expected at least 0, got nan",
        ),
        (
            {"update": "simultaneous", "balance": BalanceConfig(generator_steps=2)},
            "one step of each",
        ),
    ],
)
def test_settings_that_do_not_fit_name_their_flag(tiny, changes, message):
    with pytest.raises(InputError, match=message):
        validation.check(dataclasses.replace(tiny, **changes))


def test_a_run_folder_is_new_or_resumed_and_not_both(tiny, tmp_path):
    with pytest.raises(InputError, match="--run-dir: a resumed run stays in its folder"):
        validation.check(run_of(tiny, resume=tmp_path))
    with pytest.raises(InputError, match=r"run.compile=on: cannot be combined"):
        validation.check(run_of(tiny, compile="on", deterministic=True))
    validation.check(tiny)


def test_the_resolution_depends_on_the_family(tiny):
    data = dataclasses.replace(tiny.data, resolution=32)
    validation.check(dataclasses.replace(tiny, data=data))
    tutorial = dataclasses.replace(tiny.networks, name="tutorial")
    with pytest.raises(InputError, match="--resolution 32: tutorial cannot make it"):
        validation.check(dataclasses.replace(tiny, data=data, networks=tutorial))


def test_the_folder_of_a_dataset_is_made_absolute(tiny, blobs, monkeypatch):
    monkeypatch.chdir(blobs.parent)
    relative = dataclasses.replace(tiny, data=DataConfig(dataset=f"./{blobs.name}"))
    assert validation.resolve(relative).data.dataset == str(blobs)
    assert validation.resolve(dataclasses.replace(tiny, data=DataConfig())).data.dataset == "glyphs"


def test_what_a_family_fixes_cannot_be_chosen_and_decides_about_penalties():
    def config(name, **fields):
        penalty = fields.pop("penalty", "none")
        return Config(networks=NetworkConfig(name=name, **fields), penalty=penalty)

    with pytest.raises(InputError, match=r"tutorial: networks\.width is 64 there, got 16"):
        validation.check(config("tutorial", width=16))
    for name in ("multi_scale", "progressive"):
        with pytest.raises(InputError, match=f"{name}: networks.minibatch_deviation is 0 there"):
            validation.check(config(name, minibatch_deviation=4))
    with pytest.raises(InputError, match="pytorch_example has no other"):
        validation.check(config("pytorch_example", normalization="batch", penalty="r1"))
    with pytest.raises(InputError, match="\nset it to one of layer, none: the penalty"):
        validation.check(config("progressive", penalty="r1"))
    validation.check(config("tutorial", penalty="r1"))  # its discriminator has no normalization
