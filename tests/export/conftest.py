"""Untrained networks that answer with conviction, exported once a session: conversion takes ten seconds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import build_random, draw_faces
from torch import nn

from mien.data.dataset import Dataset
from mien.data.fer2013 import USAGE_COUNTS, Faces
from mien.data.ferplus import Votes
from mien.export.bundle import export_bundle, write_graphs
from mien.export.graph import Graph
from mien.inference.weights import Bundle
from mien.models.engine import TorchEngine
from mien.training.checkpoint import describe_run, write_checkpoint
from mien.training.recipe import Recipe


@dataclass(frozen=True)
class Converted:
    model: nn.Module
    temperature: float
    folder: Path


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two spinning threads stall each other where anything else runs."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", params=["nimble", "compact", "nimble+swift"])
def converted(request, tmp_path_factory) -> Converted:
    folder = tmp_path_factory.mktemp(request.param)
    model = build_random(request.param)
    write_graphs(Graph(model, 0.7), folder)
    return Converted(model, 0.7, folder)


@dataclass(frozen=True)
class Exported:
    bundle: Bundle
    checkpoint: Path
    dataset: Dataset
    model: nn.Module


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Exported:
    """A bundle from a checkpoint and a data set of the published size, of which 400 valid and 100 test rows have votes.

    Four in five of those rows are labelled with the network's own top class, the others with a random one.
    """
    folder = tmp_path_factory.mktemp("exported")
    model = build_random("slim")
    dataset = _plant(model)
    run = describe_run(Recipe(epochs=3, model="slim"), 5, 8, "float32", dataset.checksums)
    kept = {"kept": model.state_dict(), "epoch": 3, "history": [{"epoch": i, "time_s": 2.0} for i in (1, 2, 3)]}
    write_checkpoint(folder / "checkpoint.pt", {**run, **kept})
    bundle = export_bundle(folder / "checkpoint.pt", dataset, folder / "bundle", "planted", threads=1)
    return Exported(bundle, folder / "checkpoint.pt", dataset, model)


def _plant(model: nn.Module) -> Dataset:
    usage = np.repeat(np.arange(3, dtype=np.uint8), USAGE_COUNTS)
    rows = np.r_[np.flatnonzero(usage == 1)[:400], np.flatnonzero(usage == 2)[:100]]
    images, counts = np.zeros((len(usage), 48, 48), np.uint8), np.zeros((len(usage), 10), np.uint8)
    faces = draw_faces(3 * len(rows), 1)
    probs = TorchEngine(model).probs(faces)
    clear = np.argsort(np.diff(np.sort(probs)[:, -2:])[:, 0])[-len(rows) :]  # widest margins: int8 agrees as in a trained one
    rng = np.random.default_rng(2)
    rng.shuffle(clear)
    images[rows], classes = faces[clear], probs[clear].argmax(1)
    counts[rows, np.where(rng.random(len(rows)) < 0.8, classes, rng.integers(0, 8, len(rows)))] = 10
    return Dataset(Faces(images, np.zeros(len(usage), np.uint8), usage), Votes(counts, usage, counts.any(1)), {"faces": "00"})
