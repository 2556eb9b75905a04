"""The house rules: who may import whom, what every family has, how long a file may be."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dcai_compile.families import families
from dcai_compile.families.linear.steps import RULES
from dcai_compile.family import Family

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dcai_compile"
TEMPLATES = ROOT / "templates"

ORDER = (
    "errors",
    "fixed",
    "samples",
    "encoding",
    "client_encoder",
    "model",
    "wire",
    "family",
    "families",
)
"""Each may import the ones before it, never one behind it."""

NODE_MODULES = ("web3", "eth_tester", "pyrevm", "eth")
NODE_USERS = ("evm", "chain", "simulate")
LINE_LIMIT = 330


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Full names of what a module imports, wherever in it, type checking apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """First component, inside the package, of everything of ours that a module imports."""
    prefix = "dcai_compile."
    return {name[len(prefix) :].split(".")[0] for name in imports(path) if name.startswith(prefix)}


@pytest.mark.parametrize("layer", ORDER)
def test_vocabulary_imports_only_what_is_below(layer: str) -> None:
    paths = sorted((PACKAGE / layer).rglob("*.py")) or [PACKAGE / f"{layer}.py"]
    above = set(ORDER[ORDER.index(layer) + 1 :])
    verbs = {
        "layout",
        "render",
        "artifact",
        "folder",
        "verify",
        "parity",
        "evm",
        "pipeline",
        "cli",
        "solc",
    }
    for path in paths:
        assert not own(path) & (above | verbs), path


def test_families_never_import_each_other() -> None:
    names = {family.name for family in families()}
    for path in (PACKAGE / "families").rglob("*.py"):
        home = path.relative_to(PACKAGE / "families").parts[0].removesuffix(".py")
        for name in imports(path):
            match = re.match(r"dcai_compile\.families\.(\w+)", name)
            if match and match[1] in names and home != "__init__":
                assert match[1] == home, path


@pytest.mark.parametrize(
    "module",
    [
        "render",
        "layout",
        "artifact",
        "folder",
        "evm",
        "model",
        "family",
        "parity",
        "sample_encoder",
        "client_encoder",
        "encoding",
        "wire",
    ],
)
def test_scikit_learn_stops_at_extract(module: str) -> None:
    for path in sorted((PACKAGE / module).rglob("*.py")) or [PACKAGE / f"{module}.py"]:
        assert not any(name.split(".")[0] == "sklearn" for name in imports(path)), path


def test_only_test_evms_touch_a_node() -> None:
    for path in modules():
        home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if home.split("_")[0] in NODE_USERS:
            continue
        assert not any(name.split(".")[0] in NODE_MODULES for name in imports(path)), path


def test_no_dispatch_over_families_outside_the_registry() -> None:
    for path in [*modules(), *TEMPLATES.iterdir()]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"if .*\bfamily\b *==", text), path


def test_every_family_has_template_and_golden_contracts() -> None:
    golden = list((ROOT / "tests" / "golden_contracts").glob("*.sol"))
    for family in families():
        assert (TEMPLATES / family.template).is_file()
        assert any(f"from templates/{family.template}" in path.read_text() for path in golden)


def test_every_rule_has_a_template() -> None:
    found = {path.name for path in TEMPLATES.glob("_step_*.sol.j2")}
    assert found == {f"_step_{rule}.sol.j2" for rule in RULES}


STEPS = ["ENCODE", "SCORE", "DECIDE", "UPDATE"]


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_mirror_has_the_steps_in_order(family: Family) -> None:
    mirror = (PACKAGE / "families" / family.name / "mirror.py").read_text(encoding="utf-8")
    assert re.findall(r"^    # (ENCODE|SCORE|DECIDE|UPDATE)", mirror, re.M) == STEPS


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "golden_contracts").glob("*.sol")), ids=lambda path: path.stem
)
def test_contract_has_the_same_steps_in_the_same_order(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^    // (ENCODE|SCORE|DECIDE|UPDATE)", text, re.M) == STEPS


def test_files_can_be_read_in_one_sitting() -> None:
    code = [*modules(), *TEMPLATES.iterdir(), *(ROOT / "contracts").rglob("*.sol")]
    for path in code:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LINE_LIMIT, f"{path.name} has {lines} lines"


def test_solidity_carries_its_licence() -> None:
    for path in (ROOT / "contracts").rglob("*.sol"):
        assert path.read_text(encoding="utf-8").startswith("// SPDX-License-Identifier: MIT\n"), (
            path
        )


def test_errors_are_in_the_picture() -> None:
    """The tree at the top of errors.py names every class, indented as it inherits."""
    from dcai_compile import errors

    picture = (errors.__doc__ or "").split("CompilerPanic   ")[0]
    for name in errors.__all__:
        if name in ("DcaiError", "CompilerPanic"):
            continue
        kind = getattr(errors, name)
        depth = kind.__mro__.index(errors.DcaiError)
        line = next(line for line in picture.splitlines() if re.search(rf"─ {name}\b", line))
        assert line.index("─") // 4 == depth, line
