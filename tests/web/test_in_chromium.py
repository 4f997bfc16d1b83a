"""The page and its recogniser, built, in Chromium: Node's tests, with pictures and answers from Python."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.serving.running import Running
from tests.web.media import write_camera, write_cases, write_media

from mien.inference.recognizer import Recognizer

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
LIMIT_S = 540


@pytest.fixture(scope="session")
def built() -> Path:
    """web/ with its packages, and the page built from what stands there now."""
    assert shutil.which("npm"), "these tests need Node 20 and npm"
    for command in (["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], ["node", "build.mjs"]):
        subprocess.run(command, cwd=WEB, check=True, timeout=300)
    return WEB


def run_node(built: Path, *files: str, **values: object) -> None:
    variables = os.environ | {name: str(value) for name, value in values.items()}
    command = ["node", "--test", *(f"test/{file}" for file in files)]
    done = subprocess.run(command, cwd=built, env=variables, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "\n# skipped 0\n" in done.stdout
    assert "\n# pass 0\n" not in done.stdout


@pytest.mark.slow
def test_the_parts_that_need_no_browser(built: Path):
    run_node(built, "pure.test.mjs")


@pytest.mark.slow
def test_the_recogniser_in_a_browser(built: Path, tmp_path: Path):
    write_cases(tmp_path)
    run_node(built, "browser.test.mjs", MIEN_CASES=tmp_path)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    write_media(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["pictures", "camera", "video", "around it"])
def test_the_page_in_a_browser(built: Path, media: Path, suite: str):
    run_node(built, "page.test.mjs", MIEN_MEDIA=media, MIEN_SUITE=suite)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--lan",)], ids=["this machine", "the room, over https"])
def test_the_page_as_it_is_served(built: Path, tmp_path: Path, options: tuple[str, ...]):
    write_camera(tmp_path, Recognizer())
    with Running(tmp_path, *options) as service:
        assert service.scheme == ("https" if options else "http")
        run_node(built, "served.test.mjs", MIEN_MEDIA=tmp_path, MIEN_ADDRESS=service.address)


@pytest.mark.slow
def test_the_built_page_stands_in_the_wheel(built: Path, tmp_path: Path):
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("mien-*.whl")
    names = {name.removeprefix("mien/serving/page/") for name in zipfile.ZipFile(wheel).namelist()}
    built_files = {path.relative_to(WEB / "dist").as_posix() for path in (WEB / "dist").rglob("*") if path.is_file()}
    assert built_files <= names
