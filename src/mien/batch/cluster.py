"""Parts scored by Ray Data: on this machine by a Ray of its own, or by a cluster that is there."""

import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from mien.batch.store import Plan
from mien.batch.work import Counts, Job, own_guard, score_part
from mien.errors import MienError, UsageError, lacking, one_line

OBJECTS_BYTES = 200 << 20
"""Of memory that Ray's processes share: what passes is finished parts, some 100 bytes a face."""
BLOCKS = 10_000
"""Most tasks that Ray is given: beyond it each has several parts."""
LOCAL = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on any system: listen on 127.0.0.1 alone
    "RAY_enable_metrics_collection": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # the guarded process has a bound of its own
    "RAY_AUTH_MODE": "token",  # with one of this run alone, where Ray would write one into the home folder
}
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}


def score_parts(
    job: Job, plan: Path, pending: Sequence[int], workers: int, address: str | None = None
) -> Iterator[tuple[int, bytes, Counts]]:
    """Number, Parquet file and counts of each pending part, in whatever order they are done; some may come twice.

    workers: of this machine's Ray; a cluster, at `address`, uses all that it has. Raises MienError where there is no Ray.
    """
    with _started(workers, address) as ray:
        parts = ray.remote(num_cpus=0)(Plan).options(scheduling_strategy=_here(ray)).remote(plan)
        data = ray.data.from_items(list(pending), override_num_blocks=min(len(pending), BLOCKS))
        scored = data.map_batches(_score_batch, fn_args=(job, parts), batch_size=1, batch_format="numpy", num_cpus=1)
        try:
            for row in scored.iter_rows():
                yield row["part"], row["table"], Counts(row["pictures"], row["faces"], row["errors"])
        except ray.exceptions.RayError as error:
            raise _cause(error) from error


def _score_batch(batch: dict[str, Any], job: Job, parts: Any) -> dict[str, list[Any]]:
    """One part, in a process of Ray's."""
    import ray

    number = int(batch["item"][0])
    guard = own_guard(tuple(sorted(job.options.items())))
    table, counts = score_part(job, ray.get(parts.part.remote(number)), guard)
    return {"part": [number], "table": [table],
            "pictures": [counts.pictures], "faces": [counts.faces], "errors": [counts.errors]}  # fmt: skip


@contextmanager
def _started(workers: int, address: str | None) -> Iterator[Any]:
    """Ray, quiet, until the block ends."""
    os.environ.update(QUIET if address else {**QUIET, **LOCAL, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise lacking(f"mien score needs {error.name}", "batch") from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address:
        _knock(address)
    with (
        tempfile.TemporaryDirectory(prefix="mien-ray-", ignore_cleanup_errors=True) as folder,
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),  # Ray prints there that a node is lost
    ):
        try:
            _connect(ray, workers, address, folder)
            context = ray.data.DataContext.get_current()
            context.enable_progress_bars = context.print_on_execution_start = False
            yield ray
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raises UsageError where nothing listens at `host:port`: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.removeprefix("ray://").strip("[]"), int(port)), 10).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"--address {address}: nothing answers there ({error}); see docs/scale.md.") from None


def _connect(ray: Any, workers: int, address: str | None, folder: str) -> None:
    place = {"address": address} if address else {
        "address": "local", "num_cpus": workers, "num_gpus": 0, "include_dashboard": False, "_temp_dir": folder,
        "object_store_memory": OBJECTS_BYTES,
    }  # fmt: skip
    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **place)
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, and Ray's own
        words = one_line(str(error).strip().split("\n")[0])[:200].rstrip(".")
        if address:
            raise UsageError(f"--address {address}: that cluster cannot be joined ({words}); see docs/scale.md.") from error
        raise MienError(f"Ray cannot be started on this machine ({words}).") from error


def _here(ray: Any) -> Any:
    """This machine, which has the plan."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _cause(error: BaseException) -> MienError:
    """What ended the run, out of what Ray wraps it in."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, MienError):
        inner = getattr(inner, "cause", None) or inner.__cause__
    return inner if isinstance(inner, MienError) else MienError(f"Ray gave up: {one_line(str(error))[:300]}.")
