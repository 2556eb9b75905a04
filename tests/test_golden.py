"""The committed golden contracts are what the compiler renders today."""

from __future__ import annotations

from tests.golden import FOLDER, files


def test_golden_contracts_are_current() -> None:
    rendered = files()
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.sol")}
    assert sorted(rendered) == sorted(committed), "run: make golden"
    for name in rendered:
        assert rendered[name] == committed[name], (
            f"{name} has changed; if that is meant: make golden"
        )


def test_generated_source_is_readable() -> None:
    for name, text in files().items():
        lines = text.splitlines()
        assert lines[0] == "// SPDX-License-Identifier: MIT", name
        assert text.isascii() and text.endswith("}\n") and "\n\n\n" not in text
        assert not any(line != line.rstrip() for line in lines), name
        # Every number that a reader meets as a constant is explained in the line above it.
        for number, line in enumerate(lines):
            if " private constant " in line:
                assert lines[number - 1].lstrip().startswith("/// @dev "), line
