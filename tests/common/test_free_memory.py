import pytest

from common.free_memory import available


@pytest.fixture
def system(tmp_path):
    """Write files of a made-up /proc and /sys, and return their root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


MACHINE = {"proc/meminfo": "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:  5000 kB\n"}
OURS = "sys/fs/cgroup/jobs/ours/"


def test_the_machine_says_what_is_available(system):
    assert available(system({})) is None
    assert available(system(MACHINE)) == 5000 * 1024


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({OURS + "memory.max": "max\n"}, 5_120_000),
        ({OURS + "memory.max": "3000000\n"}, 2_000_000),
        ({OURS + "memory.max": "3000000\n", OURS + "memory.stat": "inactive_file 7\n"}, 2_000_007),
        ({OURS + "memory.max": "500\n"}, 0),
        ({"sys/fs/cgroup/jobs/memory.max": "2500000\n"}, 2_500_000 - 2_000_000),
    ],
)
def test_the_limits_of_groups_of_version_2(system, files, expected):
    used = {
        OURS + "memory.current": "1000000\n",
        "sys/fs/cgroup/jobs/memory.current": "2000000\n",
        "proc/self/cgroup": "0::/jobs/ours\n",
    }
    assert available(system({**MACHINE, **used, **files})) == expected


def test_the_limits_of_groups_of_version_1(system):
    place = "sys/fs/cgroup/memory/"
    root = system(
        {
            **MACHINE,
            "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/12ab\n",
            place + "memory.limit_in_bytes": "4000000\n",  # of this container, seen from inside
            place + "memory.usage_in_bytes": "1500000\n",
        }
    )
    assert available(root) == 2_500_000
