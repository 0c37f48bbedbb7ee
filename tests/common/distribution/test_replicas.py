"""A batch split among two real replicas: in one process, and in two on the loopback."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from common.checkpoints import Checkpoints
from experiments import launch as launcher
from experiments.launch import free_ports
from tests.command_line import ROOT, arrays_of, run, start

SMALL = ["--batch-size", "8", "--networks.width", "4", "--set", "networks.latent_size=8"]
TICKS = ["--evaluate-every", "0", "--set", "run.tick_kimg=0.064", "run.steps_per_execution=4"]
TASK = {"type": "worker", "index": 0}
MIRRORED = """
import sys
from common import cli
cli.import_tensorflow()
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from gan.train import main
cli.run(lambda: main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def options(blobs, tmp_path_factory):
    """64 steps, at rates that do not enlarge rounding errors."""
    return [
        *("--dataset", blobs, "--epochs", "8", "--precision", "float32", "--horizontal_flip"),
        *("--cache-dir", tmp_path_factory.mktemp("cache"), *SMALL, *TICKS),
        *("--generator.learning-rate", "1e-3", "--discriminator.learning-rate", "1e-3"),
        *("--balance.instance-noise", "0.1", "--balance", "auto", "--balance.augment", "0.3"),
    ]


@pytest.fixture(scope="module")
def alone(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "alone"
    code, _, err = run("gan.train", *options, "--run-dir", folder)
    assert code == 0, err
    return arrays_of(folder)


@pytest.fixture(scope="module")
def together(options, tmp_path_factory):
    """Two processes, by the launcher."""
    folder = tmp_path_factory.mktemp("runs") / "together"
    code, out, err = run(
        "experiments.launch", "--workers", "2", "--", *options, "--run-dir", folder
    )
    assert code == 0, err
    assert out.count("finished: saw all 512 images") == 1
    assert json.loads((folder / "config.json").read_text())["machine"]["replicas"] == 2
    return arrays_of(folder)


def assert_close(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        distance = np.linalg.norm(np.float64(found[name]) - value)
        assert distance <= 1e-5 * np.linalg.norm(np.float64(value)) + 1e-12, name


@pytest.mark.slow
def test_two_devices_with_half_the_batch_train_as_one(options, alone, tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", MIRRORED, *map(str, options), "--strategy", "mirrored",
         "--run-dir", tmp_path / "run"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert_close(arrays_of(tmp_path / "run"), alone)


@pytest.mark.slow
def test_two_processes_with_half_the_batch_train_as_one(alone, together):
    assert_close(together, alone)


@pytest.mark.slow
def test_a_killed_worker_ends_the_other_and_the_job_continues(options, together, tmp_path):
    folder, ports = tmp_path / "run", free_ports(2)
    processes = []
    for index in range(2):
        setting = {
            "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
            "task": {"type": "worker", "index": index},
        }
        environment = {**os.environ, "TF_CONFIG": json.dumps(setting)}
        processes.append(start("gan.train", *options, "--run-dir", folder, env=environment))
    chief, victim = processes
    deadline = time.monotonic() + 90
    while len(Checkpoints(folder).paths("last")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    killed = time.monotonic()
    _, err = chief.communicate(timeout=60)
    assert time.monotonic() - killed < 60
    assert chief.returncode == 3, err
    assert "Traceback" not in err
    last = err.splitlines()[-2:]
    assert last[0].startswith("error: worker 0 of 2: ")
    assert f"start all workers again with --resume {folder}" in last[1]
    assert not list(folder.rglob(".tmp-*"))
    assert json.loads((folder / "summary.json").read_text())["status"] == "worker lost"

    code, _, err = run("experiments.launch", "--", "--resume", folder, *TICKS)
    assert code == 0, err
    resumed = arrays_of(folder)
    for name, value in together.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_what_all_launched_workers_refuse_is_said_once(tmp_path):
    code, out, err = run("experiments.launch", "--", "--dataset", tmp_path / "none")
    assert code == 2
    assert (out, err.count("no such folder"), len(err.splitlines())) == ("", 1, 1)


def test_the_launcher_names_a_worker_that_fails(monkeypatch, capfd):
    def start(index, ports, arguments, log):  # the chief notices, and ends by itself
        code = "import sys; print('last words', file=sys.stderr); sys.exit({})"
        return subprocess.Popen([sys.executable, "-c", code.format(3 + 4 * index)], stderr=log)

    monkeypatch.setattr(launcher, "start", start)
    assert launcher.launch(2, []) == 7
    said = capfd.readouterr().err.splitlines()
    assert said[-2:] == ["error: worker 1 of 2 ended with code 7", "last words"]


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        ("{", [], "TF_CONFIG: not valid JSON"),
        ("[1]", [], "TF_CONFIG: expected {"),
        ("", ["--strategy", "multiworker"], "found neither TF_CONFIG nor a job step of Slurm's"),
        (
            json.dumps({"cluster": {"worker": ["a:1", "b:1", "c:1"]}, "task": TASK}),
            ["--batch-size", "64"],
            "--batch-size: expected a multiple of the 3 workers, got 64; try 63 or 66",
        ),
        (
            json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": TASK}),
            ["--balance.on-alarm", "restore"],
            "--balance.on-alarm restore: expected a single process, got a cluster",
        ),
    ],
)
def test_what_cannot_train_together_is_told_without_tensorflow(config, arguments, message):
    code, _, err = run("gan.train", *arguments, env={**os.environ, "TF_CONFIG": config})
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) <= 2
