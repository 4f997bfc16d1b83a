"""Every form of SOURCE: each picture once, in an order that stays, by a name; and what a broken one gives."""

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from batch_pictures import HOPPER, NO_FACE, tar_of, write_table
from runs_here import source_of

from mien.batch import parts as parts_
from mien.batch.items import Item, read_items
from mien.batch.parts import Part, find_parts, resolve
from mien.batch.places import without_secrets
from mien.errors import DataError, UsageError

TEN = {f"{i}.jpg": HOPPER + bytes([i]) for i in range(10)}


def items_of(name, size=3, base=Path("/")) -> list[Item]:
    source = resolve(source_of(name, size, base))
    found = [Part.from_dict(part.to_dict()) for part in find_parts(source)]
    assert found == list(find_parts(source))
    return [item for part in found for item in read_items(source, part)]


def contents(items: list[Item]) -> dict[str, bytes]:
    assert len({item.name for item in items}) == len(items)
    return {item.name: item.picture if isinstance(item.picture, bytes) else item.picture.read_bytes() for item in items}


def test_a_folder_gives_all_pictures_below_it_but_what_is_hidden(album):
    names = [item.name for item in items_of("album", base=album.parent)]
    assert names == ["album/b.jpg", "album/broken.png", "album/c.jpg", "album/deeper/a.JPG"]
    assert [item.name for item in items_of(album)][:1] == [f"{album}/b.jpg"]


def test_folders_that_cannot_be_listed_are_named_as_their_pictures_are(album, monkeypatch):
    listed = os.scandir

    def scandir(path):
        if str(path) == barred:
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for name, pictures in (("deeper", ["album/b.jpg", "album/broken.png", "album/c.jpg"]), ("", [])):
        barred = os.path.join(album, name).rstrip("/")
        *found, last = items_of("album", base=album.parent)
        assert [item.name for item in found] == pictures
        error = "cannot be listed (Permission denied); change its mode."
        assert last == Item(os.path.join("album", name).rstrip("/"), error=error)


def test_parts_hold_as_many_pictures_as_were_asked_for(tmp_path):
    for i in range(7):
        (tmp_path / f"{i}.jpg").touch()
    assert [len(part.names) for part in find_parts(resolve(source_of(tmp_path, 3)))] == [3, 3, 1]


def test_a_folder_of_tables_and_tars_gives_what_they_hold_and_names_the_broken(tmp_path):
    write_table(tmp_path / "a.parquet", {"bytes": [HOPPER]})
    (tmp_path / "b.tar").write_bytes(tar_of({"x.jpg": NO_FACE}))
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "d.tar").write_bytes(b"no tar" * 200)
    (tmp_path / "e.jpg").write_bytes(HOPPER)
    items = items_of("x", base=tmp_path) if (tmp_path / "x").exists() else items_of(tmp_path)
    assert [os.path.relpath(item.name, tmp_path) for item in items] == [
        "a.parquet:0", "b.tar/x.jpg", "c.parquet", "d.tar", "e.jpg"
    ]  # fmt: skip
    assert [item.error and item.error[:9] for item in items] == [None, None, "is no who", "is no tar", None]


def test_another_runs_output_is_no_source(album):
    (album / "out").mkdir()
    (album / "out" / "_mien.json").write_text("{}")
    write_table(album / "out" / "part-00000000.parquet", {"source": ["a"]})
    assert len(items_of(album)) == 4


def test_a_list_starts_from_its_own_folder(album, tmp_path):
    lines = ["album/b.jpg", "", str(album / "c.jpg"), "album/nowhere.jpg", "album/deeper/a.JPG\r"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    items = items_of("list.txt", base=tmp_path)
    assert [item.name for item in items] == [line.strip() for line in lines if line]
    assert [item.picture for item in items] == [tmp_path / line.strip() for line in lines if line]


def test_names_that_are_no_unicode_stay_what_they_are(tmp_path):
    name = os.fsdecode(b"not \xff unicode.jpg")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / name).write_bytes(HOPPER)
    (tmp_path / "list").write_bytes(b"album/" + os.fsencode(name))
    for source in (tmp_path / "album", tmp_path / "list"):
        assert list(contents(items_of(source)).values()) == [HOPPER]


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_a_table_with_bytes_gives_each_row_whatever_its_groups(tmp_path, rows):
    table = write_table(tmp_path / "t.parquet", {"bytes": list(TEN.values()), "label": list(range(10))}, row_group_size=rows)
    assert contents(items_of(table)) == {f"{table}:{i}": data for i, data in enumerate(TEN.values())}


def test_a_table_with_paths_bytes_or_both_in_a_struct(album, tmp_path):
    paths = write_table(tmp_path / "p.parquet", {"path": ["album/b.jpg", "nowhere.jpg", None]})
    first, second, third = items_of(paths)
    assert (first.name, first.picture) == ("album/b.jpg", album / "b.jpg")
    assert second.picture == tmp_path / "nowhere.jpg"
    assert (third.name, third.error) == (f"{paths}:2", "its row holds no picture.")
    rows = [{"bytes": HOPPER, "path": "one.jpg"}, {"bytes": NO_FACE, "path": None}]
    assert contents(items_of(write_table(tmp_path / "h.parquet", {"image": rows}))) == {
        "one.jpg": HOPPER, f"{tmp_path}/h.parquet:1": NO_FACE
    }  # fmt: skip


def test_rows_that_cannot_be_read_are_each_an_error(tmp_path):
    data = [os.urandom(5_000) for _ in range(9)]
    table = write_table(tmp_path / "t.parquet", {"bytes": data}, row_group_size=3, compression="zstd", use_dictionary=False)
    whole = table.read_bytes()
    start = whole.index(data[3]) - 20
    table.write_bytes(whole[:start] + bytes(20) + whole[start + 20 :])
    items = items_of(table, size=3)
    assert [item.name for item in items] == [f"{table}:{i}" for i in range(9)]
    assert [item.error is None for item in items] == [True] * 3 + [False] * 3 + [True] * 3
    broken = re.compile(r"cannot be read \((?!.*cannot be read).+\); write or fetch it again\.")
    assert all(broken.fullmatch(item.error) for item in items[3:6])
    source = resolve(source_of(table, 3))
    table.write_bytes(b"PAR1 and no more")
    (item,) = read_items(source, Part("rows", (str(table),), 8, 9))
    assert re.fullmatch(r"is no whole Parquet file \(.+\); write or fetch it again\.", item.error)


@pytest.mark.parametrize(("mode", "suffix"), [("w", "tar"), ("w:gz", "tar.gz"), ("w:xz", "tar.xz")])
def test_a_tar_gives_its_pictures_and_no_others(tmp_path, mode, suffix):
    path = tmp_path / f"s.{suffix}"
    path.write_bytes(tar_of({"0.json": b"{}", **TEN, "dir/._1.jpg": b"no", "dir/deep.PNG": b"10"}, mode))
    expected = {f"{path}/{name}": data for name, data in {**TEN, "dir/deep.PNG": b"10"}.items()}
    assert contents(items_of(path)) == expected


def test_the_shares_of_a_tar_are_together_all_of_it(tmp_path, monkeypatch):
    path = tmp_path / "s.tar"
    path.write_bytes(tar_of(TEN))
    for share in (512, 9_000, 20_000, 1 << 20):
        monkeypatch.setattr(parts_, "SHARE_BYTES", share)
        assert list(contents(items_of(path)).values()) == list(TEN.values())


@pytest.mark.parametrize("share", [9_000, 1 << 20])
def test_a_tar_cut_at_any_place_says_so_once(tmp_path, monkeypatch, share):
    """What stands before the cut is there; the cut is told once, at the picture that it goes through or for the tar."""
    monkeypatch.setattr(parts_, "SHARE_BYTES", share)
    whole, path = tar_of(TEN), tmp_path / "s.tar"
    starts = [i * (len(HOPPER) // 512 + 2) * 512 for i in range(11)]
    assert whole[starts[3] : starts[3] + 5] == b"3.jpg"
    for start, end in list(pairwise(starts))[1::4]:
        for cut in (start, start + 100, start + 512, start + 2_000, end - 600):
            path.write_bytes(whole[:cut])
            items = items_of(path)
            good = [item for item in items if item.error is None]
            assert [item.picture for item in good] == list(TEN.values())[: starts.index(start)], cut
            assert [item.error[:6] for item in items if item.error] in (["is cut"], ["the ta"]), cut


@pytest.mark.parametrize(
    ("write", "error", "says"),
    [
        (lambda path: None, UsageError, "no such file or folder"),
        (lambda path: path.write_bytes(b"PAR1 cut short"), DataError, "is no whole Parquet file"),
        (lambda path: write_table(path, {"picture": [HOPPER]}), DataError, "no column `bytes` or `path`; it has picture"),
        (lambda path: write_table(path, {"bytes": ["text"]}), DataError, "no column"),
    ],
)
def test_a_table_that_is_none(tmp_path, write, error, says):
    write(tmp_path / "t.parquet")
    with pytest.raises(error, match=says):
        items_of(tmp_path / "t.parquet")


def test_what_is_no_tar_and_no_list(tmp_path):
    for name, says in (("s.tar", "is no tar"), ("list.bin", "is no list of pictures")):
        (tmp_path / name).write_bytes(b"\0\1\2 nothing" * 100)
        with pytest.raises(DataError, match=says):
            items_of(tmp_path / name)


def test_urls_that_no_file_system_opens(tmp_path):
    with pytest.raises(UsageError, match="nosuch://bucket: cannot be opened"):
        items_of("nosuch://bucket/x")
    (tmp_path / "a.jpg").write_bytes(HOPPER)
    assert list(contents(items_of(f"file://{tmp_path}")).values()) == [HOPPER]


def test_no_key_is_shown():
    assert without_secrets("s3://key:secret@bucket/a/b?region=x&secret_key=y") == "s3://bucket/a/b"
