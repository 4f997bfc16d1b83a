"""docs/architecture.md: its tree is what the modules say of themselves. `python tests/test_architecture.py` writes it anew."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
TREE = re.compile(r"(?<=```text\n).*?(?=```)", re.S)
FOLDERS = ("data", "models", "training", "evaluation", "export", "inference", "media", "serving", "batch", "cli")


def tree() -> str:
    """A line a module: its name, and the first line of its docstring."""
    package = ROOT / "src" / "mien"
    lines = ["src/mien/", *map(line_of, sorted(package.glob("*.py")))]
    for folder in FOLDERS:
        modules = sorted((package / folder).glob("*.py"))
        lines += [f"  {folder}/", *(line_of(path) for path in modules if path.read_text(encoding="utf-8").strip())]
    return "".join(f"{line}\n" for line in lines)


def line_of(path: Path) -> str:
    words = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
    indent = "  " if path.parent.name == "mien" else "    "
    return f"{indent}{path.name:<20} {words}"


def test_the_tree_is_what_stands() -> None:
    assert TREE.search(PAGE.read_text(encoding="utf-8"))[0] == tree()


def test_all_folders_with_modules_are_in_it() -> None:
    assert {path.parent.name for path in (ROOT / "src" / "mien").glob("*/*.py")} == {*FOLDERS}


def test_what_else_it_names_is_there() -> None:
    named = re.findall(r"^- `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


if __name__ == "__main__":
    PAGE.write_text(TREE.sub(lambda _: tree(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
