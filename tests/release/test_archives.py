"""What would be published: the source archive, and the wheel that is made from it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEEL_MB, ARCHIVE_MB = 19, 30

pytestmark = pytest.mark.slow


def tracked(folder: str = ".") -> set[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(listed.stdout.splitlines())


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


@pytest.fixture(scope="module")
def source(archives: Path) -> Path:
    (path,) = archives.glob("mien-*.tar.gz")
    return path


def test_the_wheel_holds_weights_notices_and_types_and_no_data(names: list[str]) -> None:
    for needed in ("py.typed", "weights/mien/model.tflite", "weights/mien/model.int8.tflite", "weights/mien/CARD.md",
                   "weights/blazeface/full_range.tflite", "weights/blazeface/NOTICE"):  # fmt: skip
        assert f"mien/{needed}" in names
    pictures = [name for name in names if name.endswith((".csv", ".png", ".jpg", ".pt"))]
    assert not [name for name in pictures if not name.startswith("mien/serving/page/icon-")]


def test_the_wheel_is_the_package_and_the_built_page_and_nothing_else(names: list[str]) -> None:
    page = ROOT / "src" / "mien" / "serving" / "page"
    built = {str(path.relative_to(ROOT)) for path in page.rglob("*") if path.is_file()}
    package = {f"src/{name}" for name in names if ".dist-info/" not in name}
    assert package == {name for name in tracked("src/mien") if (ROOT / name).exists()} | built


def test_licences_and_the_bill_of_materials_are_beside_it(names: list[str]) -> None:
    beside = {name.split(".dist-info/")[1] for name in names if ".dist-info/" in name}
    assert {"licenses/LICENSE", "licenses/NOTICE", "licenses/src/mien/weights/blazeface/NOTICE", "sboms/sbom.json"} <= beside


def test_the_source_archive_holds_what_the_tests_and_the_makefile_use(source: Path) -> None:
    with tarfile.open(source) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    checkout_alone = tracked("results/unfinished") | tracked("results/bundles")
    assert sorted(tracked() - checkout_alone - names) == []


def test_sizes(wheel: Path, source: Path) -> None:
    assert wheel.stat().st_size < WHEEL_MB * 1e6
    assert source.stat().st_size < ARCHIVE_MB * 1e6


def test_an_index_would_take_them(archives: Path, wheel: Path) -> None:
    """twine reads the metadata and renders the README as an index does; check-wheel-contents looks for what does not belong."""
    pytest.importorskip("twine")
    pytest.importorskip("check_wheel_contents")
    for words in (["twine", "check", "--strict", *archives.iterdir()], ["check_wheel_contents", wheel]):
        done = subprocess.run([sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_types_reach_who_uses_it(tmp_path: Path) -> None:
    """Through the names that `mien` loads when they are asked for."""
    program = tmp_path / "program.py"
    program.write_text("from mien import Recognizer\nreveal_type(Recognizer().predict('a.jpg').faces[0].emotion)\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Revealed type is "str"' in done.stdout or 'Revealed type is "builtins.str"' in done.stdout
