"""A place to write that cannot be used is said before the work starts."""

import pytest

from mien.cli.output import make_folder
from mien.errors import UsageError


def test_a_folder_is_made_with_those_above_it_and_left_as_it_is_where_there_is_one(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b", "--out")
        assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]  # nothing that was tried remains


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_one_line_that_names_the_option(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=rf"^--annotate {tmp_path / place}: cannot be made or written \(.+\); choose another"):
        make_folder(tmp_path / place, "--annotate")


def test_a_folder_that_bars_writing(tmp_path, monkeypatch):
    def bar(dir):  # permissions do not hold for root, as whom tests may run
        raise PermissionError(13, "Permission denied", dir)

    monkeypatch.setattr("tempfile.TemporaryFile", bar)
    with pytest.raises(UsageError, match=r"cannot be made or written \(Permission denied\)"):
        make_folder(tmp_path, "--out")
