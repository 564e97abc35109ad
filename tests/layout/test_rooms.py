"""The layout of the project: imports and knowledge only run down.

README's table says what each top-level package ("room") is for. A package may import those below it, and `crossbar`
and `openapi`, which know nothing of the others. Imports within functions and for type checking count, too.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LAYERS: tuple[tuple[str, ...], ...] = (
    ("config", "translations"),
    ("operators",),
    ("desk",),
    ("overview",),
    ("doctor",),
    ("erasure",),
    ("backup",),
    ("migration",),
    ("webhooks", "notifications", "live", "search"),
    ("events",),
    ("media",),
    ("voicemail",),
    ("accounts",),
    ("audit",),
    ("storage",),
    ("couch_views",),
    ("couch",),
)
FOR_ALL = ("crossbar", "openapi")
APART = ("embedded_couchdb",)
"""A program of its own, which imports nothing of the service and is imported by nothing."""
PACKAGES = (*(name for layer in LAYERS for name in layer), *FOR_ALL, *APART)
_DESKS_PATHS = ("admin:", "/admin/", "desk/", "desk.")
_COMMON_WORDS = ("account_id", "box_id", "document_id", "left_out", "message_id")
BELOW_DESK = (*(name for layer in LAYERS[3:] for name in layer), "crossbar")


def allowed_imports(package: str) -> set[str]:
    """The packages that a package may import."""
    for depth, layer in enumerate(LAYERS):
        if package in layer:
            below = {name for lower in LAYERS[depth + 1 :] for name in lower}
            return {package, *below, *FOR_ALL}
    return {package}


@cache
def modules(package: str) -> dict[Path, ast.Module]:
    """The parsed modules of a package by their paths."""
    return {path: ast.parse(path.read_text()) for path in sorted((PROJECT / package).rglob("*.py"))}


def imported_packages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The project's packages that a module imports anywhere, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        for package in (name.partition(".")[0] for name in names):
            if package in PACKAGES:
                yield node.lineno, package


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The string constants of a module that are no docstrings, each with its line."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def imports_at_load(package: str) -> dict[str, set[str]]:
    """What each module of a package imports when it is loaded, as dotted names of modules of the project."""
    every_module = {dotted_name(path) for name in PACKAGES for path in modules(name)}
    imports: dict[str, set[str]] = {}
    for path, tree in modules(package).items():
        targets: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                targets |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
        imports[dotted_name(path)] = targets & every_module - {dotted_name(path)}
    return imports


def dotted_name(path: Path) -> str:
    """A module's name as it is imported."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_of_the_desk() -> set[str]:
    """The templates, assets and permissions of the desk, as code would name them."""
    names = {f"desk/{path.name}" for path in (PROJECT / "desk").rglob("*") if path.suffix in (".html", ".js", ".css")}
    verbs = ("view", "add", "change", "delete")
    for _, text in texts(ast.parse((PROJECT / "desk" / "models.py").read_text())):
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", text) and text not in _COMMON_WORDS:
            names.add(text)
    kinds = ("account", "accountuser", "mailbox", "message", "auditentry")
    return names | {f"{verb}_{kind}" for verb in verbs for kind in kinds}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    allowed = allowed_imports(package)
    wrong = [
        f"{path.relative_to(PROJECT)}:{line} imports {name}"
        for path, tree in modules(package).items()
        for line, name in imported_packages(tree)
        if name not in allowed
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", BELOW_DESK)
def test_a_package_below_the_desk_names_nothing_of_the_desk(package: str) -> None:
    names = names_of_the_desk()
    wrong = [
        f"{path.relative_to(PROJECT)}:{line} names {text!r}"
        for path, tree in modules(package).items()
        for line, text in texts(tree)
        if text in names or text.partition(".")[2] in names or text.startswith(_DESKS_PATHS)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_package_of_the_project_has_its_place_in_the_layers() -> None:
    with_code = {path.parent.name for path in PROJECT.glob("*/*.py")}
    assert with_code - {"tests", "benchmarks", "deploy", "scripts"} <= set(PACKAGES)


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = {name: targets for package in PACKAGES for name, targets in imports_at_load(package).items()}
    while leaves := {name for name, targets in imports.items() if not targets & imports.keys()}:
        for name in leaves:
            del imports[name]
    assert not imports, f"these import each other: {sorted(imports)}"
