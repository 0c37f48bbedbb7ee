import json

import pytest

from common.distribution import cluster
from common.distribution.cluster import Cluster, find
from common.errors import InputError


def tf_config(jobs, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})}


def test_tf_config_names_the_workers_the_chief_first():
    assert find("auto", tf_config({"worker": ["a:1", "b:2"]}, index=1)) == Cluster(
        ("a:1", "b:2"), 1
    )
    jobs = {"chief": ["a:1"], "worker": ["b:2", "c:3"]}
    assert find("auto", tf_config(jobs, "worker", 1)) == Cluster(("a:1", "b:2", "c:3"), 2)
    assert find("auto", tf_config(jobs, "chief", 0)).index == 0


def test_one_process_needs_no_cluster():
    assert find("auto", {}) is None
    assert find("auto", tf_config({"worker": ["a:1"]})) is None
    assert find("single", tf_config({"worker": ["a:1", "b:2"]})) is None
    assert find("mirrored", {"TF_CONFIG": "{"}) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TF_CONFIG": "nothing"}, "not valid JSON"),
        ({"TF_CONFIG": '{"cluster": {}}'}, "expected {"),
        (tf_config({"worker": ["a:1", "b:2"]}, index=2), "there is no worker 2 among 0 chiefs"),
        (tf_config({"worker": ["a", "b:2"]}), "host:port, got 'a'"),
        (tf_config({"worker": ["a:1"], "ps": ["b:2"]}), "at most a chief, got ps"),
    ],
)
def test_a_malformed_tf_config_is_told(environment, message):
    with pytest.raises(InputError, match="TF_CONFIG: ") as caught:
        find("auto", environment)
    assert message in str(caught.value)


SLURM = {
    "SLURM_STEP_NODELIST": "n[09-10,2],login-x",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1(x2)",
    "SLURM_PROCID": "3",
    "SLURM_JOB_ID": "70001",
}


def test_a_job_step_of_slurm_is_a_cluster():
    found = find("multiworker", SLURM)
    port = cluster.FIRST_PORT + 70001 % cluster.PORTS
    expected = [("n09", 0), ("n09", 1), ("n10", 0), ("n10", 1), ("n2", 0), ("login-x", 0)]
    assert found == Cluster(tuple(f"{host}:{port + local}" for host, local in expected), 3)


def test_a_batch_script_of_slurm_is_no_job_step():
    script = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}
    assert find("auto", script) is None


def test_a_batch_must_be_split_evenly():
    cluster.check_batch_size(64, 4, "replicas")
    with pytest.raises(InputError, match="multiple of the 3 replicas, got 64; try 63 or 66"):
        cluster.check_batch_size(64, 3, "replicas")
