"""Several replicas of one model, each with an equal share of every batch.

The functions are called within a training step; with a single replica they
return their argument. `Replicas` is used around the step.
"""

import contextlib
import functools
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from common.distribution import cluster
from common.distribution.cluster import Cluster, Strategy
from common.errors import WorkerLostError

LOST = (  # what TensorFlow raises when another worker is lost or a collective is cut short
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)
LONGEST = 400  # bytes of a text that `gather` sends


def count() -> int:
    """Return how many replicas the current batch is split among."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def mean(tensors: Any) -> Any:
    """Average tensors over all replicas.

    Args:
        tensors: A tensor or any nest of tensors.

    Returns:
        The same nest, equal on every replica.
    """
    if count() == 1:
        return tensors
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, tensors)


def mean_of_scalars(scalars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Average scalars by name over all replicas, in one exchange."""
    if count() == 1:
        return scalars
    row = mean(tf.stack([tf.cast(value, tf.float32) for value in scalars.values()]))
    return dict(zip(scalars, tf.unstack(row), strict=True))


def draw(random: Callable[..., tf.Tensor], shape: Any, *arguments, axis: int = 0, **options):
    """Draw this replica's part of the random numbers for a whole batch.

    Every replica draws the numbers for the whole batch and takes its part, so
    that the numbers do not depend on the number of replicas and the random
    streams stay equal.

    Args:
        random: A function that takes the shape first, such as `tf.random.normal`.
        shape: Of this replica's numbers.
        *arguments: Further arguments of `random`.
        axis: The axis of the batch.
        **options: Further keyword arguments of `random`.

    Example:
        >>> draw(tf.random.stateless_normal, (32, 64), seed=(0, 1)).shape
        TensorShape([32, 64])
    """
    parts = count()
    if parts == 1:
        return random(shape, *arguments, **options)
    own = tf.unstack(shape) if tf.is_tensor(shape) else list(shape)
    whole = [size * parts if at == axis else size for at, size in enumerate(own)]
    numbers = random(whole, *arguments, **options)
    first = tf.distribute.get_replica_context().replica_id_in_sync_group * own[axis]
    return tf.gather(numbers, first + tf.range(own[axis]), axis=axis)


def expect_mean_gradients(optimizer: keras.optimizers.Optimizer) -> None:
    """Prepare an optimizer for gradients that are already the `mean` over replicas.

    Keras 3.15 would sum them over the replicas, but only after clipping and
    after checking for overflow, both of which need the whole gradient.
    """
    own = getattr(optimizer, "inner_optimizer", optimizer)
    own._all_reduce_sum_gradients = lambda pairs: pairs


@dataclass(frozen=True)
class Replicas:
    """The replicas of a run.

    Attributes:
        strategy: TensorFlow's strategy; None for a single replica.
        cluster: The processes; None for a single process.
    """

    strategy: tf.distribute.Strategy | None = None
    cluster: Cluster | None = None

    @property
    def count(self) -> int:
        """The number of replicas in all processes."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def chief(self) -> bool:
        """Whether this process, worker 0 or the only one, writes files and logs."""
        return self.cluster is None or self.cluster.index == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Return the context in which variables must be created."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def distribute(self, stream: Callable[[Sequence[int]], tf.data.Dataset]):
        """Make the input of `fit`.

        Args:
            stream: Maps indices of replicas to a dataset with their batches in
                turn.
        """
        if self.strategy is None:
            return stream([0])

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            local = context.num_replicas_in_sync // context.num_input_pipelines
            first = local * context.input_pipeline_id
            return stream(range(first, first + local))

        return self.strategy.distribute_datasets_from_function(of_worker)

    def gather(self, text: str) -> list[str]:
        """Exchange texts of at most `LONGEST` bytes; every process must call it.

        Returns:
            The text of each process, the chief's first.
        """
        if self.cluster is None:
            return [text]
        data = text.encode()[:LONGEST]
        row = tf.constant([[*data, *[0] * (LONGEST - len(data))]], tf.int32)  # (1, LONGEST)
        rows = self._exchange(row)
        rows = self.strategy.experimental_local_results(rows)[0].numpy()
        firsts = rows[:: len(rows) // len(self.cluster.workers)]  # one replica of each worker's
        return [bytes(row[row > 0].tolist()).decode(errors="ignore") for row in firsts]

    @functools.cached_property
    def _exchange(self) -> Callable[[tf.Tensor], Any]:
        def all_gather(row):
            return tf.distribute.get_replica_context().all_gather(tf.identity(row), axis=0)

        return tf.function(lambda row: self.strategy.run(all_gather, args=(row,)))

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Turn the errors that TensorFlow raises for a lost worker into WorkerLostError."""
        try:
            yield
        except LOST as error:
            if self.cluster is None:
                raise
            raise WorkerLostError(_lost_worker(error.message, self.cluster)) from None


def _lost_worker(message: str, found: Cluster) -> str:
    """Shorten TensorFlow's message to one line."""
    gone = sorted({int(task) for task in re.findall(r"task:(\d+)", message)} - {found.index})
    who = " and ".join(f"worker {task}" for task in gone) or "another worker"
    why = re.search(r"aborted by: (.*)", message)
    shown = f" ({why[1][:120].strip(' :')})" if why and not gone else ""
    return (
        f"worker {found.index} of {len(found.workers)}: {who} is lost or cannot be reached{shown}"
    )


def make(strategy: Strategy, found: Cluster | None, batch_size: int) -> Replicas:
    """Make the replicas, before any other operation of TensorFlow.

    Args:
        strategy: auto uses the cluster if there is one, all GPUs if there are
            several, otherwise one replica.
        found: What `cluster.find` returned.
        batch_size: Images per batch, all replicas together.

    Raises:
        InputError: A batch cannot be split evenly among the replicas.
    """
    if found is not None:
        replicas = Replicas(_connect(found), found)
    else:
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        wanted = strategy == "mirrored" or devices[0].device_type == "GPU"
        if strategy == "single" or len(devices) == 1 or not wanted:
            return Replicas()
        replicas = Replicas(tf.distribute.MirroredStrategy([device.name for device in devices]))
    cluster.check_batch_size(batch_size, replicas.count, "replicas")
    return replicas


def _connect(found: Cluster) -> tf.distribute.Strategy:
    """Wait for all workers and connect to them."""
    others = [address for at, address in enumerate(found.workers) if at != found.index]
    awaited = ", ".join(others if found.index == 0 else others[:1])
    own = f"worker {found.index} of {len(found.workers)}"
    print(f"{own}: waiting for {awaited}  (Ctrl-C ends it)", file=sys.stderr)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(found.workers)}),
        task_type="worker",
        task_id=found.index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    with _ctrl_c_ends_at_once(), Replicas(cluster=found).watch():
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


@contextlib.contextmanager
def _ctrl_c_ends_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process while TensorFlow waits in C++, where Python is not called."""
    try:
        handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
