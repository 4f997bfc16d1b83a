"""Several processes that train one network: `torchrun` starts them, and each takes its share of every batch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, cuda, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from mien.errors import UsageError

T = TypeVar("T")


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """Joins the processes that torchrun started, if it did, by nccl on GPUs and gloo on CPUs; gives this process's device."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield device
        return
    if device == "cuda":
        cuda.set_device(int(os.environ["LOCAL_RANK"]))  # where what is no tensor is exchanged
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" else device
    finally:
        distributed.destroy_process_group()


def count_processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that writes and speaks."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def share(batch_size: int) -> slice:
    """Which faces of each batch are this process's. Raises UsageError for a batch that cannot be shared evenly."""
    if not distributed.is_initialized():
        return slice(None)
    if batch_size % (n := distributed.get_world_size()):
        raise UsageError(f"batch_size {batch_size} cannot be shared by {n} processes; choose a multiple of {n}.")
    return slice(distributed.get_rank(), None, n)


def shared(model: nn.Module) -> nn.Module:
    """The model itself, or one whose gradients are the mean over all processes; the parameters are the same objects."""
    return DistributedDataParallel(model) if distributed.is_initialized() else model


def mean(value: Tensor) -> Tensor:
    """Over all processes."""
    if distributed.is_initialized():
        distributed.all_reduce(value)
        value /= distributed.get_world_size()
    return value


def from_first(value: T) -> T:
    """What the first process has: norm statistics differ between them."""
    values = [value]
    if distributed.is_initialized():
        distributed.broadcast_object_list(values)
    return values[0]


def wait() -> None:
    """For all processes to come here."""
    if distributed.is_initialized():
        distributed.barrier()
