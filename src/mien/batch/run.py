"""A run from SOURCE to OUT, or the rest of one that was interrupted."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mien.batch.parts import Source, find_parts, resolve
from mien.batch.places import is_url
from mien.batch.store import Store, open_store
from mien.batch.work import Counts, Job
from mien.machine import versions

Execute = Callable[[Job, Path, Sequence[int]], Iterable[tuple[int, bytes, Counts]]]
"""Scores the parts with these numbers of a plan file, as `cluster.score_parts` does."""


def prepare(job: Job, out: Path) -> tuple[Job, Store]:
    """The job with its source as it is stored, and its folder, new or that of an earlier start.

    Raises UsageError or DataError where either cannot be used (parts.resolve, store.open_store).
    """
    source = resolve(job.source)
    wanted = {
        "source": source.name if is_url(source.name) else os.path.abspath(os.path.join(source.base, source.name)),
        "model": dict(job.model),
        "options": {**{k: v for k, v in job.options.items() if k not in ("model", "threads")}, "whole_image": job.whole_image},
    }
    more = {"name": source.name, "base": source.base, "kind": source.kind, "version": versions("mien").get("mien")}
    store = open_store(out, wanted, more, find_parts(source))
    return replace(job, source=stored_source(store, source)), store


def stored_source(store: Store, source: Source) -> Source:
    """The source, with names as the first start has them: it may have come from another folder."""
    return replace(source, **{key: store.facts[key] for key in ("name", "base", "kind")})


def run(job: Job, store: Store, execute: Execute) -> Iterator[Counts]:
    """Scores what is not done yet; what each part that is added comes to. Raises DataError where OUT cannot be written."""
    with store.writer() as writer:
        done = set(store.done())
        pending = [number for number in range(store.facts["parts"]) if number not in done]
        if not pending:
            return
        for number, table, counts in execute(job, store.plan, pending):
            if number not in done:  # a machine that was lost may have given it already
                writer.add(number, table, counts)
                done.add(number)
                yield counts
