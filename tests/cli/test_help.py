"""`mien --help`: what there is, at a glance."""

from mien.cli.app import VERBS


def test_each_verb_is_a_whole_line_and_those_used_most_come_first(mien, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, text, _ = mien("--help")
    lines = [line.split(maxsplit=1) for line in text[text.index("Commands:") :].splitlines()[1:] if line]
    assert code == 0
    assert lines == [list(verb) for verb in VERBS.items()]
    assert [verb for verb, _ in lines][:3] == ["predict", "video", "serve"]
    assert max(len(words) for _, words in lines) <= 60
