"""sbom.json names all that the wheel holds of others and all that it asks for. `python deploy/sbom.py` writes it anew."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "sbom.json").read_text(encoding="utf-8")
PARTS = {part["name"]: part for part in json.loads(TEXT)["components"]}


def test_all_that_the_base_install_asks_for_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.split("[>=!]", bound)[0] for bound in project["dependencies"]} <= PARTS.keys()
    assert json.loads(TEXT)["metadata"]["component"]["version"] == project["version"]


def test_the_page_holds_the_packages_that_it_names() -> None:
    wanted = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: part["version"] for name, part in PARTS.items() if part.get("purl", "").startswith("pkg:npm")} == wanted


def test_all_weights_are_named() -> None:
    shipped = {str(path.relative_to(ROOT / "src" / "mien")) for path in (ROOT / "src" / "mien" / "weights").glob("*/*.*")}
    networks = {name for name, part in PARTS.items() if part["type"] == "machine-learning-model"}
    assert networks == {name for name in shipped if name.endswith((".tflite", ".onnx"))}
    own = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert [name for name in networks if name.split("/")[1] not in own] == []
    notice = (ROOT / "src" / "mien" / "weights" / "blazeface" / "NOTICE").read_text(encoding="utf-8")
    assert PARTS["weights/blazeface/full_range.tflite"]["version"] in notice


def test_each_has_a_licence_that_spdx_knows_and_none_an_address() -> None:
    identifier = r"(Apache-2\.0|MIT|MIT-CMU|BSD-[23]-Clause|0BSD|ISC|MPL-2\.0|PSF-2\.0|Zlib|CC0-1\.0)"
    assert [name for name, part in PARTS.items()
            if not re.fullmatch(rf"{identifier}( AND {identifier})*", part["licenses"][0]["expression"])] == []  # fmt: skip
    assert re.findall(r"https?://[^\"]+", TEXT) == ["http://cyclonedx.org/schema/bom-1.6.schema.json"]
