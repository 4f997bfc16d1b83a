"""Who may import whom, and how large things may grow."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mien"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "benchmarks").glob("*.py"))]

BASE = {"emotions", "results", "errors", "files", "look", "machine", "worker"}
MAY_IMPORT = {
    **{name: {"emotions", "errors"} for name in BASE},
    **dict.fromkeys(("data", "models", "media"), BASE),
    "__init__": BASE | {"media", "inference"},
    "inference": BASE | {"media"},
    "training": BASE | {"models"},
    "evaluation": BASE | {"data"},
    "export": BASE | {"data", "models", "training", "evaluation", "inference"},
    **{
        name: BASE | {"data", "models", "media", "inference", "training", "evaluation", "export"}
        for name in ("serving", "batch")
    },
}
"""Part of mien -> parts that it may import anywhere. cli may import all, but at its top only itself and what is light."""
PACKAGES = {
    "torch": {"models", "training", "export"},
    "onnxruntime": {"inference"},
    "ai_edge_litert": {"inference", "export"},
    "litert_torch": {"export"},
    "ai_edge_quantizer": {"export"},
    "onnx": {"export"},
    "matplotlib": {"models", "evaluation", "media"},
    "av": {"media"},
    "pyarrow": {"media", "batch"},
    "ray": {"batch"},
    "PIL": {"media", "inference", "data", "evaluation", "batch"},
    "rich": {"cli", "training"},
    "typer": {"cli"},
}
"""Package -> parts of mien that may import it, besides cli inside its functions."""
IN_FUNCTIONS = {"matplotlib", "pandas", "polars", "pyarrow", "ray"}
"""Packages that only what needs them loads, when it is called: no part imports them at its top."""
CLI_TOP = {"typer", "mien", *sys.stdlib_module_names}


def part_of(name: str) -> str:
    """`mien.data.splits` -> `data`; `mien` alone -> `mien`."""
    return name.split(".")[1] if name.startswith("mien.") else name


def imports(tree: ast.AST, *, top_only: bool = False) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import; top_only: those that run when the module is loaded."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write the whole name"
            names = [f"mien.{alias.name}" for alias in node.names] if node.module == "mien" else [node.module or ""]
            yield from ((node.lineno, name) for name in names)
        elif top_only and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_typing_only(node)):
            continue
        else:
            yield from imports(node, top_only=top_only)


def is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def wrong_edges(part: str, tree: ast.AST) -> list[str]:
    """Imports in a module of that part of mien which MAY_IMPORT and PACKAGES do not allow."""
    wrong = []
    for line, name in imports(tree):
        package, target = name.split(".")[0], part_of(name)
        if package == "mien" and part in MAY_IMPORT and target not in MAY_IMPORT[part] | {part}:
            wrong.append(f"line {line}: {part} imports {name}")
        if part != "cli" and part not in PACKAGES.get(package, {part}):
            wrong.append(f"line {line}: {part} imports {name}")
    for line, name in imports(tree, top_only=True):
        package = name.split(".")[0]
        heavy = package not in CLI_TOP or (package == "mien" and part_of(name) not in {"cli", "mien", *BASE})
        if package in IN_FUNCTIONS or (part == "cli" and heavy):
            wrong.append(f"line {line}: {part} imports {name} outside a function")
    return wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_edges(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    part = "cli" if part == "__main__" else part
    assert part in {"cli", *MAY_IMPORT}, f"{part} is not in MAY_IMPORT; say there what it may import"
    assert wrong_edges(part, ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("data", "from mien.models import MODELS"),
        ("data", "def f():\n    import torch.nn"),
        ("media", "from mien import inference"),
        ("inference", "if 1:\n    from mien.training.loop import fit"),
        ("evaluation", "import mien.inference.engines"),
        ("results", "from mien.media.draw import draw"),
        ("cli", "import numpy"),
        ("cli", "from mien.inference.recognizer import Recognizer"),
        ("cli", "try:\n    import torch\nexcept ImportError: pass"),
        ("serving", "import torch"),
        ("data", "def f():\n    import matplotlib"),
        ("evaluation", "from matplotlib.figure import Figure"),
    ],
)
def test_a_wrong_edge_would_be_seen(part: str, line: str) -> None:
    assert len(wrong_edges(part, ast.parse(line))) == 1


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("cli", "def f():\n    import torch\n    from mien.training.loop import fit"),
        ("cli", "if TYPE_CHECKING:\n    from mien.inference.recognizer import Recognizer"),
        ("export", "from mien.evaluation.metrics import ece\nimport torch"),
        ("models", "def f():\n    from matplotlib.figure import Figure"),
    ],
)
def test_a_right_edge_passes(part: str, line: str) -> None:
    assert wrong_edges(part, ast.parse(line)) == []


@pytest.mark.parametrize("statement", ["import mien", "from mien import Recognizer", "import mien.cli.app"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    heavy = {"torch", "cv2", "onnxruntime", "onnx", "ai_edge_litert", "scipy", "matplotlib", "sklearn", "pandas", "av"}
    heavy |= {"polars", "pyarrow", "ray"}
    if "Recognizer" not in statement:
        heavy |= {"numpy", "PIL"}
    code = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}} & {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


@pytest.mark.slow
def test_importing_takes_at_most_50_ms() -> None:
    """The least of several runs, bare Python and `import mien` in turns. Slow, since those tests run alone."""
    times_s: dict[str, list[float]] = {"pass": [], "import mien": []}
    for _ in range(8):
        for code, taken in times_s.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            taken.append(time.perf_counter() - start)
    assert min(times_s["import mien"]) - min(times_s["pass"]) <= 0.05


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 250
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {f.name: n for f in functions if (n := (f.end_lineno or 0) - f.lineno + 1) > 60} == {}


def test_nine_of_ten_functions_are_under_forty_lines_and_most_under_ten() -> None:
    lines = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lines[len(lines) // 2] <= 10
    assert lines[len(lines) * 9 // 10] < 40


def test_no_drawer_for_odds_and_ends() -> None:
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert names & {"utils", "util", "helpers", "helper", "common", "misc"} == set()
