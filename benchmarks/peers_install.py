"""What users would pick instead of mien, and an environment of its own for each, made from the package registries alone."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.machine import git_commit

ROOT = Path(__file__).resolve().parents[1]
DRIVERS = Path(__file__).resolve().parent / "peers"
NOTE = "installed.json"
MINUTES = 40
"""Longest that one installation may take."""
NODE = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0")
TFJS_NODE = "@tensorflow/tfjs-node@4.22.0"


@dataclass(frozen=True)
class Peer:
    """driver: file in benchmarks/peers. packages: what pip or npm is asked for; the first names it. imports: what a user would
    write first. extra: of mien's, what a clip needs besides. trained: what is known of its training data.
    weights: where they come from.
    """

    driver: str
    packages: tuple[str, ...]
    imports: str
    extra: str = ""
    trained: str = ""
    weights: str = "in the package"

    @property
    def is_node(self) -> bool:
        return self.driver.endswith(".mjs")

    def command(self, folder: Path) -> list[str]:
        """What runs a program in its environment."""
        return ["node"] if self.is_node else [str(folder / "bin" / "python")]


PEERS = {
    "mien": Peer("with_mien.py", ("mien",), "from mien import Recognizer; Recognizer", extra="video", trained="FER+"),
    "fer": Peer(
        "with_fer.py",
        ("fer==25.10.3", "setuptools<80", "opencv-contrib-python<5"),
        "from fer.fer import FER",
        trained="FER2013",
    ),
    "face-api": Peer(
        "with_face_api.mjs",
        ("@vladmandic/face-api@1.7.15", *NODE),
        "require('@vladmandic/face-api/dist/face-api.node-wasm.js')",
        trained="public and scraped pictures, by its tutorial",
    ),
    "human": Peer(
        "with_human.mjs",
        ("@vladmandic/human@3.3.6", *NODE),
        "require('./node_modules/@vladmandic/human/dist/human.node-wasm.js')",
        trained="FER2013, by the project that its code names",
    ),
    "deepface": Peer(
        "with_deepface.py",
        ("deepface", "werkzeug"),
        "from deepface import DeepFace",
        weights="fetched from GitHub at first use",
    ),
    "EmotiEffLib": Peer(
        "with_emotiefflib.py",
        ("emotiefflib[onnx]",),
        "from emotiefflib.facial_analysis import EmotiEffLibRecognizer",
        weights="fetched from GitHub at first use",
    ),
    "uniface": Peer(
        "with_uniface.py",
        ("uniface[cpu]", "torch==2.13.0"),
        "from uniface import Emotion",
        weights="fetched from GitHub at first use",
    ),
    "LiteRT, compact": Peer(
        "with_litert.py",
        ("ai-edge-litert", "numpy"),
        "from ai_edge_litert.interpreter import Interpreter",
        trained="untrained: for its speed alone",
    ),
    "LiteRT, the seed's file": Peer(
        "with_litert.py",
        ("ai-edge-litert", "numpy"),
        "from ai_edge_litert.interpreter import Interpreter",
        trained="FER+",
        weights="a file of the user's",
    ),
}


def folder_of(envs: Path, name: str) -> Path:
    """Peers with the same driver share an environment."""
    return envs / PEERS[name].driver.split(".")[0].removeprefix("with_")


def install(name: str, envs: Path) -> dict[str, Any]:
    """Makes the peer's environment unless it is there, and says what it holds: megabytes, versions, notes, error."""
    peer, folder = PEERS[name], folder_of(envs, name)
    if (folder / NOTE).exists():
        return json.loads((folder / NOTE).read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        found = install_node(peer, folder) if peer.is_node else install_python(peer, folder)
    except subprocess.CalledProcessError as error:
        found = {"error": last_line(error.stderr)}
    except subprocess.TimeoutExpired:
        found = {"error": f"was not installed after {MINUTES} minutes"}
    (folder / NOTE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def install_python(peer: Peer, folder: Path) -> dict[str, Any]:
    run([sys.executable, "-m", "venv", folder])
    bare = size_mb(folder / "lib")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    packages = [build_wheel(folder)] if peer.extra else peer.packages
    run([*pip, *packages])
    found: dict[str, Any] = {"mb": round(size_mb(folder / "lib") - bare, 1)}
    if peer.extra:
        run([*pip, f"{packages[0]}[{peer.extra}]"])
        found |= {"mb_with_clips": round(size_mb(folder / "lib") - bare, 1), "commit": git_commit()}
    listed = run([*pip[:3], "list", "--format", "json", "--disable-pip-version-check"])
    return found | {"versions": {"python": platform.python_version(), **chosen(json.loads(listed), peer)}, "notes": []}


def build_wheel(folder: Path) -> Path:
    """mien as it would be published: what is committed, and the page where it was built (make web)."""
    source, page = folder / "source", Path("src/mien/serving/page")
    run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", source])
    if (ROOT / page).is_dir():
        shutil.copytree(ROOT / page, source / page)
    run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, source])
    shutil.rmtree(source)
    return next(folder.glob("*.whl"))


def install_node(peer: Peer, folder: Path) -> dict[str, Any]:
    """Also tries the native backend; where its library cannot be had, WebAssembly is what is left, and the notes say why."""
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--save-exact"]
    run([*npm, *peer.packages], folder)
    found: dict[str, Any] = {"mb": round(size_mb(folder / "node_modules"), 1), "notes": []}
    try:
        run([*npm, TFJS_NODE], folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        reason = last_line(str(getattr(error, "stderr", "") or error))
        found["notes"] += [f"{TFJS_NODE} cannot be installed here ({reason}): its WebAssembly backend instead"]
    versions = {"node": run(["node", "--version"]).strip()}
    for package in peer.packages:
        name = package.rsplit("@", 1)[0]
        manifest = json.loads((folder / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
        versions[name] = manifest["version"]
    return found | {"versions": versions}


def run(command: list[Any], cwd: Path | None = None) -> str:
    """Its stdout. Raises what subprocess raises."""
    words = [str(word) for word in command]
    environment = os.environ | {"npm_config_update_notifier": "false"}
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True, timeout=60 * MINUTES, env=environment)
    return done.stdout


def chosen(listed: list[dict[str, str]], peer: Peer) -> dict[str, str]:
    """Of all that pip lists: what was asked for, and what runs the networks."""
    asked = {package.split("=")[0].split("<")[0].split("[")[0] for package in peer.packages}
    names = asked | {"tensorflow", "torch", "onnxruntime", "ai-edge-litert", "numpy", "opencv-python"}
    return {one["name"]: one["version"] for one in listed if one["name"] in names}


def size_mb(folder: Path) -> float:
    """Megabytes of the files in a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()) / 1e6


def last_line(text: str) -> str:
    """What an installer or a program said was wrong: the last line that names an error, else the last."""
    lines = [line.removeprefix("npm error").strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return tidy(next((line for line in reversed(lines) if re.search(r"Error: ", line)), lines[-1]))


def tidy(text: str) -> str:
    """An error in one line of plain letters, without paths of this machine and addresses."""
    words = text.encode("ascii", "ignore").decode().split()
    return " ".join("…" if "://" in word or word.lstrip("'\"([").startswith("/") else word for word in words)[:200]
