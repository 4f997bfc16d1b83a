"""sbom.json: what mien's wheel holds of others, what its base install brings, and on which terms (CycloneDX 1.6).

    make web && python deploy/sbom.py

The Python packages are those that pip takes in a fresh environment, the page's are those of web/node_modules. Nothing but that
changes the file.
"""

import json
import re
import subprocess
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "sbom.json"
WEIGHTS = ROOT / "src" / "mien" / "weights"
MODEL = "machine-learning-model"
TOOLS = {"pip", "setuptools", "wheel", "mien"}
BLAZEFACE = "0.4.1657300184"
"""The version of the npm package that the detectors were taken from (weights/blazeface/NOTICE)."""
SPDX = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "ISC License": "ISC",
    "3-Clause BSD License": "BSD-3-Clause",
}
"""What packages without a License-Expression write, as SPDX does; what is not here is taken as it stands."""


def licence_of(package: metadata.PackageMetadata) -> str:
    """An SPDX expression. Raises SystemExit for a package that says nothing."""
    classifiers = [line for line in package.get_all("Classifier", []) if line in SPDX]
    said = package.get("License-Expression") or package.get("License") or next(iter(classifiers), None)
    if not said or "\n" in said:
        raise SystemExit(f"{package['Name']}: no licence in its metadata that SPDX in {Path(__file__).name} could name.")
    return SPDX.get(said, said)


def component(kind: str, name: str, version: str, licence: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "version": version, "licenses": [{"expression": licence}], **more}


def python_packages() -> Iterator[dict[str, Any]]:
    """What `pip install .` brings in a fresh environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", ROOT], check=True)
        (site,) = Path(folder).glob("lib/python3*/site-packages")
        for package in (found.metadata for found in metadata.distributions(path=[str(site)])):
            name = re.sub(r"[-_.]+", "-", package["Name"]).lower()
            if name not in TOOLS:
                purl = f"pkg:pypi/{name}@{package['Version']}"
                yield component("library", name, package["Version"], licence_of(package), scope="required", purl=purl)


def page_packages() -> Iterator[dict[str, Any]]:
    """What the page, in the wheel, holds of npm packages."""
    for name in json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))["dependencies"]:
        package = json.loads((ROOT / "web" / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        yield component("library", name, package["version"], package["license"], purl=purl)


def networks(version: str) -> Iterator[dict[str, Any]]:
    """The weights in the wheel. The checksums of mien's own stand in their model.json alone, which each export writes."""
    notice = [{"type": "license", "comment": "What is not cleared about the pictures that it was trained on", "url": "NOTICE"}]
    for bundle in sorted(WEIGHTS.glob("*/model.json")):
        for file in sorted(json.loads(bundle.read_text(encoding="utf-8"))["files"]):
            name = f"weights/{bundle.parent.name}/{file}"
            yield component(MODEL, name, version, "Apache-2.0", externalReferences=notice)
    detectors = json.loads((WEIGHTS / "blazeface" / "detectors.json").read_text(encoding="utf-8"))
    for detector in detectors.values():
        hashes = [{"alg": "SHA-256", "content": detector["sha256"]}]
        yield component(MODEL, f"weights/blazeface/{detector['file']}", BLAZEFACE, "Apache-2.0", hashes=hashes)


def bill() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    parts = [*networks(version), *page_packages(), *python_packages()]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component("library", "mien", version, project["license"], purl=f"pkg:pypi/mien@{version}")},
        "components": sorted(parts, key=lambda part: (part["type"], part["name"])),
    }


if __name__ == "__main__":
    OUT.write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")
    print(f"{len(json.loads(OUT.read_text(encoding='utf-8'))['components'])} components in {OUT.name}")
