"""Services in this process and in one of their own, each ended with the test that asked for it."""

from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from tests.serving.running import Client, Running


@pytest.fixture(scope="module")
def importable():
    """Workers, which do not look into the working folder, find what the tests plant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield


@pytest.fixture(scope="module")
def client(importable):
    with Client() as client:
        yield client


@pytest.fixture
def build(importable):
    """Client(...), closed after the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Client(*args, **options))


@pytest.fixture
def run(tmp_path):
    """`mien serve` with these options, on a free port of loopback; ended after the test."""
    with ExitStack() as stack:
        yield lambda *options, **environment: stack.enter_context(Running(tmp_path, *options, **environment))


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One with a single worker, for the tests that leave it as it was."""
    with Running(tmp_path_factory.mktemp("service"), "--workers", "1") as service:
        yield service
