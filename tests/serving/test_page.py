"""`mien web`: the built page copied whole, and never over what is not its own."""

import shutil
from pathlib import Path

import pytest

from mien.cli.serve import missing_page
from mien.errors import UsageError
from mien.serving import page


@pytest.fixture
def built(tmp_path, monkeypatch):
    folder = tmp_path / "page"
    (folder / "recognizer").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "recognizer" / "recognizer.js").write_text("export {}")
    monkeypatch.setattr(page, "PAGE", folder)
    return folder


def test_the_page_is_copied_whole_and_again_over_an_earlier_copy(built, tmp_path):
    out = tmp_path / "site"
    assert page.write_page(out) == 3
    assert (out / "recognizer" / "recognizer.js").read_text() == "export {}"
    (built / "recognizer" / "recognizer.js").unlink()
    assert page.write_page(out) == 2
    assert not (out / "recognizer" / "recognizer.js").exists()


@pytest.mark.parametrize("out", [".", "link"])
def test_the_folder_itself_stays_where_the_user_or_a_link_is(built, tmp_path, monkeypatch, out):
    site, beside = tmp_path / "site", tmp_path / "beside"
    for folder in (site, beside):
        folder.mkdir()
    (beside / "diary.txt").write_text("mine")
    (tmp_path / "link").symlink_to(site)
    monkeypatch.chdir(tmp_path if out == "link" else site)
    for _ in range(2):
        assert page.write_page(Path(out)) == 3
        assert (site / "index.html").is_file()
        (site / "old").symlink_to(beside)
    assert page.write_page(Path(out)) == 3
    assert (beside / "diary.txt").read_text() == "mine"


def test_a_copy_that_was_cut_short_is_begun_again(built, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            page.shutil, "copytree", lambda *_, **__: (tmp_path / "site" / "index.html").touch() or pytest.fail("killed")
        )
        with pytest.raises(pytest.fail.Exception, match="killed"):
            page.write_page(tmp_path / "site")
    assert page.write_page(tmp_path / "site") == 3


def test_files_that_cannot_be_copied_are_said(built, tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise shutil.Error([("page/a.js", "site/a.js", "[Errno 28] No space left on device")])

    monkeypatch.setattr(page.shutil, "copytree", fail)
    with pytest.raises(UsageError, match=r"cannot be written .*No space left on device.*; choose another folder"):
        page.write_page(tmp_path / "site")


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_nothing_of_the_users_is_replaced(built, tmp_path, taken):
    out = tmp_path / "mine"
    if taken == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "diary.txt").write_text("mine")
    with pytest.raises(UsageError, match="no empty folder"):
        page.write_page(out)
    assert (out if taken == "file" else out / "diary.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written(built, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        page.write_page(tmp_path / "file" / "site")


def test_an_install_without_the_page_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(page, "PAGE", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="make web"):
        page.find_page()


def test_who_starts_the_service_is_told_where_the_page_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGE", tmp_path)
    assert missing_page().startswith("/ answers without the page: the page is not built here: it needs Node 20")
    (tmp_path / "index.html").touch()
    assert missing_page() == ""
