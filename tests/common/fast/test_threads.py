import subprocess
import sys

CODE = """
import os
os.sched_getaffinity = lambda process: set(range({cores}))
import tensorflow as tf
from common.fast.threads import overlap_operations
if {late}:
    tf.constant(1.0)
overlap_operations()
get = tf.config.threading
print(get.get_intra_op_parallelism_threads(), get.get_inter_op_parallelism_threads())
"""


def threads(cores, late):
    code = CODE.format(cores=cores, late=late)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_two_operations_share_the_cores():
    assert threads(8, late=False) == ["4", "2"]
    assert threads(1, late=False) == ["1", "2"]


def test_nothing_changes_once_tensorflow_has_begun():
    assert threads(8, late=True) == threads(2, late=True) == ["0", "0"]
