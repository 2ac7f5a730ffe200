"""What is installed: every package, every data file, nothing heavy at import."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import ddcompile

ROOT = Path(__file__).parents[2]
SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
HEAVY = ("lark", "jinja2", "llvmlite", "click", "rich", "torch", "sklearn", "scipy", "hypothesis")


def folders() -> dict[str, Path]:
    """Every folder with Python files that should be installed, by the name of its package."""
    found = {}
    for package, top in {"ddcompile": "ddcompile", **SETUP["package-dir"]}.items():
        for path in [ROOT / top, *(ROOT / top).rglob("*/")]:
            if path.is_dir() and any(path.glob("*.py")):
                found[".".join((package, *path.relative_to(ROOT / top).parts))] = path
    return found


def test_every_package_is_listed() -> None:
    assert sorted(SETUP["packages"]) == sorted(folders())


def test_every_data_file_is_listed() -> None:
    for package, folder in folders().items():
        patterns = SETUP["package-data"].get(package, [])
        for path in folder.iterdir():
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert any(fnmatch(path.name, p) for p in patterns), f"{path} is in no package-data"


def test_no_file_is_long() -> None:
    long = [
        str(path)
        for folder in folders().values()
        for path in folder.glob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert long == []


def test_the_version_is_that_of_the_package() -> None:
    assert version("ddcompile") == ddcompile.__version__
    (script,) = entry_points(group="console_scripts", name="ddcompile")
    assert script.value == "ddcompile.cli:main"


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import ddcompile", (*HEAVY, "numpy")),
        ("import ddcompile; ddcompile.CompileError", (*HEAVY, "numpy")),
        ("import ddcompile; ddcompile.Network", HEAVY),
        ("import ddcompile; ddcompile.distill", tuple(m for m in HEAVY if m != "lark")),
        ("from ddcompile.testing import builders", tuple(m for m in HEAVY if m != "lark")),
    ],
)
def test_imports_are_light(code: str, absent: tuple[str, ...], tmp_path: Path) -> None:
    script = f"{code}\nimport sys\nprint([m for m in {absent!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
    )
    assert found.stdout.strip() == "[]"


def test_python_in_the_root_of_a_clone_finds_everything() -> None:
    rule = "rule a(x: bit) -> (y: bit) { y = x }"
    script = f"import ddcompile as dd; print(dd.__file__, len(dd.parse({rule!r}).emit('python')))"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert found.stdout == f"{ROOT / 'ddcompile' / '__init__.py'} 1\n"


def test_public_names() -> None:
    for name in ddcompile.__all__:
        assert getattr(ddcompile, name) is getattr(ddcompile, name)
        assert name in dir(ddcompile)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = ddcompile.nothing


def test_type_checkers_see_the_same_public_names() -> None:
    tree = ast.parse((ROOT / "ddcompile" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        node.module: tuple(alias.name for alias in node.names)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert seen == ddcompile._HOMES
    assert sorted(ddcompile.__all__) == sorted(["__version__", *(n for names in seen.values() for n in names)])
