"""Training through the Python API, on a folder of 64 tiny pictures."""

import dataclasses
import gc
import json
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.checkpoints import Checkpoints
from common.errors import InputError
from common.summaries import SummaryWriter
from gan import config as configuration
from gan import validation
from gan.build import _schedule, build_gan, compile_gan
from gan.callbacks.alarms import Alarm
from gan.callbacks.evaluation import Evaluate
from gan.config import (
    BalanceConfig,
    Config,
    DataConfig,
    NetworkConfig,
    OptimizerConfig,
    RunConfig,
    StopConfig,
)
from gan.data import stream
from gan.metrics import collapse
from gan.metrics.collapse import SYMPTOMS
from gan.trainer import train

LONGER = StopConfig(epochs=8, evaluate_every=0)


@pytest.fixture(autouse=True)
def _collect():
    """The graphs of a run are garbage that takes ever longer, the more runs left some: 20 s."""
    yield
    gc.collect()


@pytest.fixture
def tiny(blobs, tmp_path):
    return Config(
        data=DataConfig(dataset=str(blobs)),
        batch_size=8,
        networks=NetworkConfig(latent_size=8, width=4),
        precision="float32",
        stop=StopConfig(epochs=2, evaluate_every=0),
        run=RunConfig(
            run_dir=tmp_path / "run",
            tick_kimg=0.032,
            steps_per_execution=2,
            cache_dir=tmp_path / "cache",
        ),
    )


def run_of(config, **changes):
    return dataclasses.replace(config, run=dataclasses.replace(config.run, **changes))


def test_a_run_leaves_everything_in_its_folder(tiny):
    result = train(run_of(tiny, histograms=True))
    folder = result.folder
    assert result.status == "finished"
    assert int(result.gan.images_seen) == 128
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["images"] == 128
    about = json.loads((folder / "config.json").read_text())
    assert about["config"]["batch_size"] == 8
    assert about["data"]["resolution"] == 16
    assert about["machine"]["versions"]["keras"] == keras.__version__
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [32, 64, 96, 128]
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    for name in ("latest.png", "training.gif", "samples/000000000000.png"):
        assert (folder / name).stat().st_size > 0

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {
        "loss/discriminator",
        "loss/generator",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "gradient_norm/discriminator",
        "gradient_norm/generator",
        "learning_rate/discriminator",
        "learning_rate/generator",
        "balance/discriminator_share",
        "speed/images_per_second",
        "quality/sliced_wasserstein",
        "samples/fixed_latents",
        "data/real",
        "config",
    } <= tags
    assert any(tag.startswith("weights/") for tag in tags)
    assert [event.step for event in events.Tensors("loss/generator")] == [32, 64, 96, 128]
    assert [event.step for event in events.Tensors("data/real")] == [0]
    session = events.SummaryMetadata("_hparams_/session_start_info")
    assert session.plugin_data.plugin_name == "hparams"


@pytest.mark.parametrize(
    "balance",
    [
        BalanceConfig(pause_accuracy=0.6, resume_accuracy=0.5, label_flips=0.1, instance_noise=0.1),
        BalanceConfig(mode="auto", augment_kimg=1.0, discriminator_steps=2, generator_steps=2),
    ],
)
def test_a_resumed_run_ends_with_the_same_bits(tiny, balance):
    config = dataclasses.replace(
        tiny,
        balance=balance,
        precision="bfloat16",
        generator=OptimizerConfig(schedule="cosine", decay_kimg=1.0),
        stop=StopConfig(epochs=4, evaluate_every=0),
    )
    whole = train(run_of(config, run_dir=tiny.run.run_dir.with_name("whole")))
    half = train(dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0)))
    rest = train(run_of(config, run_dir=None, resume=half.folder))
    assert int(rest.gan.images_seen) == int(whole.gan.images_seen) == 256
    first, _ = Checkpoints(whole.folder).load("last")
    second, _ = Checkpoints(rest.folder).load("last")
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    rows = [(result.folder / "metrics.jsonl").read_text().splitlines() for result in (whole, rest)]
    for one, other in zip(*(map(json.loads, lines) for lines in rows), strict=True):
        del one["speed/images_per_second"], other["speed/images_per_second"]
        assert one == other


def test_a_resume_with_another_configuration_is_refused(tiny):
    folder = train(tiny).folder
    changed = dataclasses.replace(tiny, batch_size=16, generator=OptimizerConfig(beta_1=0.1))
    with pytest.raises(InputError, match=r"batch_size: 8 -> 16; generator.beta_1: 0.5 -> 0.1"):
        train(run_of(changed, run_dir=None, resume=folder))
    with pytest.raises(InputError, match="has had its 128 images"):
        train(run_of(tiny, run_dir=None, resume=folder))


def test_a_resume_on_changed_data_is_refused(tiny, blobs, tmp_path):
    import shutil

    copy = shutil.copytree(blobs, tmp_path / "copy")
    config = dataclasses.replace(tiny, data=DataConfig(dataset=str(copy)))
    folder = train(config).folder
    (copy / "000.png").unlink()
    longer = dataclasses.replace(config, stop=StopConfig(epochs=3, evaluate_every=0))
    with pytest.raises(InputError, match="has changed since the run began"):
        train(run_of(longer, run_dir=None, resume=folder))


def test_divergence_stops_restores_and_tells(tiny):
    wild = dataclasses.replace(
        tiny,
        loss="wasserstein",
        stop=StopConfig(epochs=200, evaluate_every=0),
        discriminator=OptimizerConfig(learning_rate=1e30),
    )
    result = train(wild)
    assert result.status == "diverged"
    assert "non-finite" in result.reason
    assert all(np.isfinite(np.asarray(v)).all() for v in result.gan.weights)
    assert json.loads((result.folder / "summary.json").read_text())["status"] == "diverged"


def test_a_target_a_patience_and_a_budget_end_a_run(tiny):
    def end(name, **stop):
        config = dataclasses.replace(tiny, stop=StopConfig(**stop, evaluate_every=0))
        return train(run_of(config, run_dir=tiny.run.run_dir.with_name(name)))

    assert end("target", epochs=50, target=1e9).status == "target"
    frozen = end("patience", epochs=50, patience=2, monitor="learning_rate/generator")
    assert frozen.status == "no progress"
    assert int(frozen.gan.images_seen) == 32 * 3
    assert end("budget", max_minutes=0.02).reason == "used its 0.02 minutes"


def test_any_keras_callback_is_accepted_and_sees_the_figures(tiny):
    seen = []
    train(
        tiny,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(dict(logs)))
        ],
    )
    assert len(seen) == 4
    assert "loss/generator" in seen[0]
    assert "quality/sliced_wasserstein" in seen[0]


def test_the_frechet_distance_is_measured_now_and_then_and_names_the_best(tiny, monkeypatch):
    monkeypatch.setattr(Evaluate, "MOST", 100.0)
    stop = StopConfig(epochs=8, evaluate_every=0.064, evaluate_count=40)
    folder = train(dataclasses.replace(tiny, stop=stop)).folder
    rows = [json.loads(row) for row in (folder / "metrics.jsonl").read_text().splitlines()]
    scored = [row for row in rows if "quality/frechet_distance" in row]
    assert [row["images"] for row in scored] == [64, 128, 192, 256, 320, 384, 448, 512]
    assert len(rows) == 16
    assert all(row["quality/frechet_distance"] > 0 for row in scored)
    assert all(0 < row["speed/share_of_evaluation"] < 1 for row in scored)
    best = min(scored, key=lambda row: row["quality/frechet_distance"])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best"] == {"quality/frechet_distance": best["quality/frechet_distance"]}
    scores = [int(path.name.split("-")[1]) for path in Checkpoints(folder).paths("best")]
    assert best["images"] in scores


def test_evaluation_that_would_take_too_long_is_put_off(tiny, monkeypatch):
    monkeypatch.setattr(Evaluate, "MOST", 0.0)
    stop = StopConfig(epochs=4, evaluate_every=0.064, evaluate_count=40)
    folder = train(dataclasses.replace(tiny, stop=stop)).folder
    assert (folder / "metrics.jsonl").read_text().count("quality/frechet_distance") <= 1


def test_until_there_is_a_score_the_last_is_the_best(tiny):
    stop = StopConfig(epochs=2, evaluate_every=1000, evaluate_count=40)
    checkpoints = Checkpoints(train(dataclasses.replace(tiny, stop=stop)).folder)
    newest = [checkpoints.paths(kind)[0].name.split("-")[1] for kind in ("best", "last")]
    assert newest[0] == newest[1]


def test_adapted_augmentation_is_logged_and_survives_a_resume(tiny):
    config = dataclasses.replace(
        tiny,
        balance=BalanceConfig(augment_target=0.01, augment_kimg=1.0),
        stop=StopConfig(epochs=4, evaluate_every=0),
    )
    whole = train(run_of(config, run_dir=tiny.run.run_dir / "whole"))
    assert whole.metrics["balance/augment"] > 0.0
    half = dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0))
    folder = train(run_of(half, run_dir=tiny.run.run_dir / "half")).folder
    resumed = train(run_of(config, run_dir=None, resume=folder))
    for one, two in zip(whole.gan.variables, resumed.gan.variables, strict=True):
        np.testing.assert_array_equal(one, two)


SATURATED = {  # the discriminator knows 16 pictures by heart at once
    "discriminator": OptimizerConfig(learning_rate=0.01),
    "generator": OptimizerConfig(learning_rate=1e-9),
}


@pytest.fixture
def alert(monkeypatch):
    """Alarms from the first picture on."""
    monkeypatch.setattr("gan.metrics.collapse.WARMUP", 0)


@pytest.mark.usefixtures("alert")
def test_an_alarm_is_raised_and_told_everywhere(tiny, capsys):
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER))
    alarms = json.loads((result.folder / "summary.json").read_text())["alarms"]
    said = capsys.readouterr().out
    for alarm in alarms:
        assert (
            f"{alarm['symptom']}: {SYMPTOMS[alarm['symptom']].says}\ntry {alarm['advice']}" in said
        )
    assert "saturated" in [alarm["symptom"] for alarm in alarms]
    assert result.status == "finished"
    rows = [json.loads(r) for r in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["health/alarms"] == len(alarms)
    assert {"health/spread", "health/neighbours", "health/class_entropy"} <= rows[0].keys()
    events = EventAccumulator(str(result.folder), size_guidance={"tensors": 0})
    events.Reload()
    assert len(events.Tensors("health/alarm")) == len(alarms)


def test_no_alarm_is_raised_while_warming_up(tmp_path):
    alarm = Alarm(
        SummaryWriter(tmp_path), lambda symptom: "", {**collapse.Watch().state(), "alarms": []}
    )
    alarm.watch = SimpleNamespace(appearance=lambda logs: ["saturated"])
    for images, expected in ((collapse.WARMUP - 1, 0), (collapse.WARMUP, 1)):
        alarm.set_model(SimpleNamespace(images_seen=tf.constant(images)))
        logs = {}
        alarm.on_epoch_end(0, logs)
        assert logs["health/alarms"] == len(alarm.raised) == expected


@pytest.mark.usefixtures("alert")
def test_an_alarm_can_end_the_run(tiny):
    balance = BalanceConfig(on_alarm="stop")
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER, balance=balance))
    assert result.status == "collapsed"
    assert result.reason in SYMPTOMS
    assert int(result.gan.images_seen) < 8 * 64


@pytest.mark.usefixtures("alert")
def test_an_alarm_can_restore_the_best_and_switch_the_balance_on(tiny):
    balance = BalanceConfig(on_alarm="restore")
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER, balance=balance))
    rows = [json.loads(r) for r in (result.folder / "metrics.jsonl").read_text().splitlines()]
    alarms = [row["health/alarms"] for row in rows]
    first = next(i for i, count in enumerate(alarms) if count)
    assert rows[first - 1]["balance/auto"] == 0.0
    assert rows[first + 2]["balance/auto"] == 1.0
    assert rows[first + 2]["balance/discriminator_share"] < 1.0
    assert [row["images"] for row in rows] == sorted(row["images"] for row in rows)


def test_auto_holds_pictures_out_and_augments_what_is_known_by_heart(tiny, monkeypatch):
    streams, judged, batches = [], [], stream.batches
    monkeypatch.setattr(stream, "batches", lambda *given: streams.append(given) or batches(*given))
    monkeypatch.setattr(collapse, "r_v", lambda *sets: judged.append(sets) or 1.0)
    balance = BalanceConfig(mode="auto", augment_kimg=0.1)
    whole = train(dataclasses.replace(tiny, balance=balance))
    ((*_, learnt),) = streams
    assert len(learnt) == 58  # of 64
    assert {tuple(map(len, sets)) for sets in judged} == {(58, 6, 58)}
    assert whole.metrics["health/r_v"] == 1.0
    assert whole.metrics["balance/augment"] > 0.0


def test_going_back_changes_the_networks_and_neither_clock_nor_balance(tiny):
    from gan.callbacks.checkpoints import go_back

    gan = train(dataclasses.replace(tiny, balance=BalanceConfig(mode="auto"))).gan
    arrays, _ = Checkpoints(tiny.run.run_dir).load("last")
    good = np.array(gan.generator.weights[0])
    gan.generator.weights[0].assign(0.0 * good)
    gan.images_seen.assign(999)
    gan.balance.controls[0].active.assign(0.25)
    chance = np.array(gan.seed.state)
    gan.seed.state.assign(chance + 1)
    go_back(gan, arrays)
    np.testing.assert_array_equal(gan.generator.weights[0], good)
    assert int(gan.images_seen) == 999
    assert float(gan.balance.controls[0].active) == 0.25
    np.testing.assert_array_equal(gan.seed.state, chance + 1)


def test_the_best_checkpoint_follows_the_monitor(tiny):
    result = train(tiny)
    rows = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    best = min(rows, key=lambda row: row["quality/sliced_wasserstein"])
    newest = Checkpoints(result.folder).paths("best")[0]
    assert int(newest.name.split("-")[1]) == best["images"]


def test_classes_are_used_where_there_are_enough_pictures(tiny, blobs, tmp_path):
    import shutil

    for name in ("a", "b"):
        shutil.copytree(blobs, tmp_path / "classes" / name)
    folder = str(tmp_path / "classes")
    for conditional, expected in (("auto", 2), ("off", 1)):
        config = dataclasses.replace(tiny, data=DataConfig(folder, conditional=conditional))
        result = train(run_of(config, run_dir=tmp_path / conditional))
        assert len(result.gan.generator.inputs) == expected
    with pytest.raises(InputError, match=r"--conditional on: .* has no classes"):
        train(dataclasses.replace(tiny, data=dataclasses.replace(tiny.data, conditional="on")))


def test_a_run_killed_before_its_first_checkpoint_begins_again(tiny):
    whole = train(run_of(tiny, run_dir=tiny.run.run_dir.with_name("whole")))
    killed = train(tiny)
    for path in killed.folder.rglob("*"):
        if path.is_file() and path.name != "config.json":
            path.unlink()
    again = train(run_of(tiny, run_dir=None, resume=killed.folder))
    for one, other in zip(whole.gan.weights, again.gan.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_figure_cannot_be_monitored(tiny):
    with pytest.raises(InputError, match=r"--monitor loss: expected one of .*loss/generator"):
        train(
            dataclasses.replace(tiny, stop=StopConfig(epochs=1, monitor="loss", evaluate_every=0))
        )


def test_the_automatic_balance_is_one_flag_beside_the_single_ones():
    from gan.train import parse

    balance = parse(["--balance", "auto", "--balance.on-alarm", "restore"]).balance
    assert (balance.mode, balance.on_alarm) == ("auto", "restore")
    assert parse(["--balance.augment", "0.2"]).balance.mode == "fixed"


@pytest.mark.parametrize(("mode", "expected"), [("auto", 0.5), ("fixed", 0.9)])
def test_the_automatic_balance_lowers_momentum(tiny, mode, expected):
    heavy = OptimizerConfig(beta_1=0.9)
    balance = BalanceConfig(mode=mode)
    config = dataclasses.replace(tiny, generator=heavy, discriminator=heavy, balance=balance)
    gan = build_gan(config, 16, 1, 0)
    compile_gan(gan, config)
    assert gan.generator_optimizer.beta_1 == gan.discriminator_optimizer.beta_1 == expected


def test_a_configuration_survives_the_disk(tiny):
    fields = json.loads(json.dumps(configuration.to_dict(tiny)))
    at_home = run_of(tiny, run_dir=None, resume=Path("here"))
    assert configuration.from_dict(fields, Path("here")) == at_home
    del fields["networks"]["width"]
    fields["networks"]["breadth"] = 3
    with pytest.raises(InputError, match="another version"):
        configuration.from_dict(fields)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": StopConfig(max_minutes=0)}, "--max-minutes: expected more than 0"),
        ({"stop": StopConfig(epochs=float("inf"))}, "--epochs: expected more than 0, got inf"),
        ({"data": DataConfig(channels=2)}, "--channels: expected 0"),
        ({"batch_size": 1}, "--batch-size: expected at least 2, got 1"),
        ({"penalty": "r1"}, "--networks.normalization"),
        ({"loss": "hinge", "balance": BalanceConfig(label_smoothing=0.1)}, "loss with labels"),
        ({"balance": BalanceConfig(pause_accuracy=0.8, resume_accuracy=0.9)}, "resume-accuracy"),
        ({"balance": BalanceConfig(pause_loss=0.8, resume_loss=0.2)}, "resume-loss"),
        ({"generator": OptimizerConfig(schedule="linear")}, "--generator.decay-kimg"),
        ({"discriminator": OptimizerConfig(beta_2=1.5)}, "--discriminator.beta-2"),
        (
            {"update": "simultaneous", "balance": BalanceConfig(generator_steps=2)},
            "one step of each",
        ),
    ],
)
def test_settings_that_do_not_fit_name_their_flag(tiny, changes, message):
    with pytest.raises(InputError, match=message):
        validation.check(dataclasses.replace(tiny, **changes))


def test_networks_of_your_own_get_the_precision_of_the_configuration(tiny, tmp_path):
    from gan.build import build_gan

    for precision in ("bfloat16", "float32"):
        config = dataclasses.replace(
            tiny, precision=precision, stop=StopConfig(epochs=0.1, evaluate_every=0)
        )
        own = []

        def build(*arguments, own=own):
            own.append(build_gan(*arguments))
            return own[0]

        result = train(run_of(config, run_dir=tmp_path / precision), build=build)
        assert result.gan is own[0]
        assert result.gan.generator.layers[1].compute_dtype == precision


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", 0.01), ("inverse", 0.01 / 3), ("linear", 0.0), ("cosine", 0.0)],
)
def test_rates_fall_with_the_images_seen(schedule, expected):
    rate = _schedule(OptimizerConfig(learning_rate=0.01, schedule=schedule, decay_kimg=2.0))
    assert float(rate(tf.constant(0, tf.int64))) == pytest.approx(0.01)
    assert float(rate(tf.constant(4000, tf.int64))) == pytest.approx(expected, abs=1e-9)
