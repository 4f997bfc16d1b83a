"""The command line as a user types it, in this process."""

import sys

import pytest

from mien.cli import main


@pytest.fixture
def mien(monkeypatch, capsys):
    """Runs `mien` with these words; gives exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return (exit_.value.code or 0, *capsys.readouterr())

    return run
