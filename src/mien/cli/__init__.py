"""The command line: one short file per verb, each loading what is heavy when it runs."""

import sys


def main() -> None:
    """Runs `mien`; a MienError becomes one line on stderr and its exit code, never a traceback."""
    from mien.errors import MienError, one_line

    try:
        from mien.cli.app import build_app

        build_app(sys.argv[1:])()
    except MienError as error:
        print(f"mien: {one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
