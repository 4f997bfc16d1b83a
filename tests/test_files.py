"""A folder that takes another's place: all of it or nothing, and the old one is never lost."""

from pathlib import Path

import pytest

from mien.files import replaced_folder


@pytest.fixture
def folder(tmp_path):
    """One that holds `old`, in a folder that holds nothing else."""
    (tmp_path / "weights" / "mien").mkdir(parents=True)
    (tmp_path / "weights" / "mien" / "file").write_text("old")
    return tmp_path / "weights" / "mien"


def replace(folder: Path) -> None:
    with replaced_folder(folder) as partial:
        (partial / "file").write_text("new")


def everything(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.rglob("*")]


def test_a_new_folder_is_made_or_takes_the_old_ones_place(tmp_path, folder):
    replace(tmp_path / "other" / "place")
    assert everything(tmp_path / "other" / "place") == ["place", "file"]
    replace(folder)
    assert (folder / "file").read_text() == "new"
    assert everything(folder) == ["mien", "file"]


def test_a_failure_while_it_is_filled_changes_nothing(folder):
    with pytest.raises(ZeroDivisionError), replaced_folder(folder) as partial:
        (partial / "file").write_text(str(1 / 0))
    assert (folder / "file").read_text() == "old"
    assert everything(folder) == ["mien", "file"]


def fail_at(monkeypatch, error: BaseException, fails) -> None:
    """Renames for which fails(old name, new name) raise this."""
    rename = Path.replace

    def refuse(path, target):
        if fails(Path(path), Path(target)):
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", refuse)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_old_one_is_put_back_where_the_new_one_cannot_take_its_place(folder, monkeypatch, error):
    fail_at(monkeypatch, error, lambda path, _: path.name == "new")
    with pytest.raises(type(error)):
        replace(folder)
    assert (folder / "file").read_text() == "old"
    assert everything(folder) == ["mien", "file"]


def test_the_old_one_is_kept_where_it_cannot_even_be_put_back(folder, monkeypatch):
    fail_at(monkeypatch, OSError(5, "Input/output error"), lambda _, target: target == folder)
    with pytest.raises(OSError, match="Input/output"):
        replace(folder)
    (kept,) = folder.parent.rglob("file")
    assert kept.read_text() == "old"
