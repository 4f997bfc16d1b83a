"""Tables for people."""

from functools import partial


def print_table(title: str, rows: list[list[str]], caption: str = "", stderr: bool = False) -> None:
    """Rows of cells, the first row a header, numbers to the right: whole, even where lines then wrap, and as they stand."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, caption=caption or None)
    header, *body = rows
    for i, text in enumerate(header):
        table.add_column(text, justify="right" if i else "left", no_wrap=True)
    for row in body:
        table.add_row(*row)
    plain = partial(Console, markup=False, emoji=False, stderr=stderr)
    width = plain(width=1000).measure(table).maximum
    plain(width=max(width, Console().width)).print(table)
