"""The documents say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.readme import README, SECTIONS
from dcai_compile.families import supported_estimators
from dcai_compile.families.linear.steps import RULES

ROOT = README.parent
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "COMPATIBILITY.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHAIN.md",
    "CHANGELOG.md",
)


@pytest.mark.parametrize("title", SECTIONS)
def test_readme_lists_what_the_registry_supports(title: str) -> None:
    assert SECTIONS[title]() in README.read_text(encoding="utf-8"), "python -m benchmarks.readme"


def test_readme_names_every_training_step() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"`{rule}`" in text for rule in RULES)


def test_parity_table_of_the_readme_is_green() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split("<!-- parity table -->")[1].split("<!-- end of parity table -->")[0]
    rows = [line.split("|") for line in table.strip().splitlines()[2:]]
    assert len(rows) > 160
    assert all(row[6].strip() == row[7].strip() == "0" for row in rows)
    for entry in supported_estimators():
        assert not entry.module or any(entry.name in row[2] for row in rows), entry.name


def test_naive_bayes_table_of_the_readme_is_complete() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split("<!-- naive bayes table -->")[1].split("<!-- end of naive bayes table -->")[
        0
    ]
    rows = [line.split("|") for line in table.strip().splitlines()[2:]]
    assert [row[1].strip() for row in rows] == ["2", "4", "10"]
    assert all(row[4].strip() == "100.0%" for row in rows)


def test_documents_name_files_that_exist() -> None:
    known = {path.name for path in ROOT.rglob("*") if ".venv" not in path.parts}
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for name in re.findall(r"`(?:[\w/]+/)?([\w.]+\.(?:py|md|sol|lock|toml)(?:\.j2)?)`", text):
            assert name in known, f"{document} names {name}"


def test_no_document_names_a_registry_or_a_machine() -> None:
    for path in ROOT.rglob("*"):
        if not path.is_file() or {".venv", ".git", "node_modules"} & set(path.parts):
            continue
        if path.suffix not in (".py", ".md", ".toml", ".lock", ".sh", ".sol", ".j2", ".js", ""):
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for host in ("pypi" + ".org", "npm" + "js.org", "pythonhosted" + ".org", "deb" + "ian.org"):
            assert host not in text, f"{path} names {host}"


def test_version_is_the_same_everywhere() -> None:
    from dcai_compile import __version__

    assert f'version = "{__version__}"' in Path(ROOT / "pyproject.toml").read_text()
    assert f"## {__version__}" in Path(ROOT / "CHANGELOG.md").read_text()


def test_security_has_a_line_for_every_weakness_and_a_test_of_it() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    attacks = (ROOT / "tests" / "test_attacks.py").read_text(encoding="utf-8")
    assert re.findall(r"^(\d+)\. \*\*", text, re.M) == [str(n) for n in range(1, 11)]
    # 10 is about settings, which `tests/test_incentives.py` has.
    assert re.findall(r"^# (\d+)\. ", attacks, re.M) == [str(n) for n in range(1, 10)]


def test_readme_states_the_prices_of_the_defaults() -> None:
    from dcai_compile.incentives import deposit_after, ether
    from dcai_compile.model import Options

    text = " ".join(README.read_text(encoding="utf-8").split())
    prices = [ether(deposit_after(Options(), seconds)) for seconds in (1, 3600, 86_400)]
    wanted = "{} right after another one, {} an hour later, {} a day later"
    assert text.count(wanted.format(*prices)) >= 2
