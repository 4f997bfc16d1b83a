"""Tables as they reach the screen."""

from mien.cli.table import print_table


def test_names_that_look_like_markup_or_emoji_stand_as_they_are(capsys):
    name = "net[/v2] [red]x[/red] :fear:.tflite"
    print_table(f"title {name}", [["header " + name, "n"], ["cell " + name, "1"]], f"caption {name}")
    lines = capsys.readouterr().out
    assert [place for place in ("title", "header", "cell", "caption") if f"{place} {name}" not in lines] == []
