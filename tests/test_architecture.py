"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DASHBOARD = sorted([*ROOT.glob("dashboard/*.py"), *ROOT.glob("dashboard/cockpit/**/*.py")])
SOURCES = sorted([*ROOT.glob("shared/src/**/*.py"), *ROOT.glob("projects/*/src/**/*.py"), *DASHBOARD])
PROJECTS = sorted(path for path in (ROOT / "projects").iterdir() if (path / "pyproject.toml").is_file())
FILE_LINES, FUNCTION_LINES = 250, 25
LONGER_FILES: dict[str, str] = {}
"""A file may be longer where a reader would accept the reason: its path, and the reason."""
BANNED = re.compile(r"(^|_)(utils?|helpers?|common|manager|base|misc|handle|process|data2|new)(_|\.|$)")


def test_the_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_dashboard_imports_neither_the_library_nor_a_project() -> None:
    """What it knows of a model it asks over HTTP, so it works with any service that answers the same."""
    forbidden = {"portfolio", *(path.name for path in PROJECTS)}
    assert len(DASHBOARD) > 10
    assert [(str(path.relative_to(ROOT)), name) for path in DASHBOARD for name in imported(path) & forbidden] == []


def test_the_dashboard_names_no_project_but_in_a_plug_in_of_that_name() -> None:
    names = {path.name for path in PROJECTS}
    shared = [path for path in DASHBOARD if "plugins" not in path.parts]
    said = {str(path.relative_to(ROOT)): names & set(re.findall(r"\w+", path.read_text("utf-8"))) for path in shared}
    assert {path: found for path, found in said.items() if found} == {}


def test_all_projects_have_the_same_files() -> None:
    def files(project: Path) -> set[str]:
        tracked = subprocess.run(["git", "ls-files", "."], cwd=project, capture_output=True, text=True, check=True)
        names = {line.replace(project.name, "NAME") for line in tracked.stdout.splitlines()}
        made = {"dvc.lock", "models/metrics.json", "models/evaluation.json"}  # of the projects whose pipeline was run
        return {re.sub(r"data/sample/.*", "data/sample/FILE", name) for name in names - made}

    assert len(PROJECTS) >= 3
    assert {
        name: files(path) ^ files(PROJECTS[0]) for name, path in zip(map(str, PROJECTS), PROJECTS, strict=True)
    } == {str(path): set() for path in PROJECTS}


def test_no_file_is_longer_than_a_reader_accepts() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES and name not in LONGER_FILES} == {}


def test_functions_are_short() -> None:
    sizes = sorted(((size, where) for path in SOURCES for size, where in functions(path)), reverse=True)
    lengths = [size for size, _ in sizes]
    report = "\n".join(f"{size:4d}  {where}" for size, where in sizes[:10])
    assert lengths[0] <= 2 * FUNCTION_LINES, report
    assert sum(size <= FUNCTION_LINES for size in lengths) >= 0.97 * len(lengths), report
    assert sum(size <= 10 for size in lengths) >= 0.5 * len(lengths), report


def test_names_say_what_a_thing_is() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in SOURCES]
    assert [name for name in names if BANNED.search(Path(name).stem)] == []


def imported(path: Path) -> set[str]:
    """Names of the packages that a file imports, at its top or inside a function, by statement or by name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module.partition(".")[0])
            case ast.Call(func=ast.Name("import_module" | "__import__"), args=[ast.Constant(str(name)), *_]):
                found.add(name.partition(".")[0])
    return found


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """(lines of the body without its docstring, where) of every function in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield (node.end_lineno or 0) - body[0].lineno + 1, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
