"""The command line: one short file per verb, each loading what is heavy when it runs."""

import os
import sys
import warnings


def main() -> None:
    """Runs `mien`; what the user can do something about becomes one line on stderr and its exit code, never a traceback."""
    from mien.errors import MienError, one_line

    keep_stderr_for_words()
    try:
        from mien.cli.app import build_app

        try:
            build_app(sys.argv[1:])()
        finally:
            if sys.stdout:
                sys.stdout.flush()  # a full disk shows here, not after the last line of Python
    except MienError as error:
        print(f"mien: {one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.filename is None:  # no file of ours, so stdout; what is still buffered would fail again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):  # then whoever read it has seen enough, as `head -1`
            place = one_line(str(error.filename or "output"))
            print(f"mien: {place}: {error.strerror or error}; make room, or choose another place.", file=sys.stderr)
        sys.exit(1)


def keep_stderr_for_words() -> None:
    """Leaves stderr to mien's own words: LiteRT writes notes there that no setting turns off, and Pillow warns of metadata.

    Native code gets nowhere as its file descriptor 2; sys.stderr becomes a copy of the old one. A closed stderr leads nowhere
    too: else the next file that is opened would take its place, and the notes would land in it.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if sys.stderr is not None and sys.stderr is not sys.__stderr__:
        return
    copy = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    sys.stderr = os.fdopen(copy, "w", buffering=1, errors="backslashreplace")
    if nowhere != 2:
        os.close(nowhere)
