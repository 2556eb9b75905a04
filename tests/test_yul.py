"""Assembly as `forge fmt` lays it out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcai_compile import yul
from tests.golden import FOLDER

LONG = "a" * 50


def block(*lines: str) -> str:
    return "\n".join(['    assembly ("memory-safe") {', *lines, "    }", "    after;"])


def test_a_block_is_indented_by_its_braces() -> None:
    found = yul.formatted(
        block("let x := 1", "if x {", "let y := 2", "}", "for {} x {} {", "x := 0", "}")
    )
    assert found == block(
        "        let x := 1",
        "        if x {",
        "            let y := 2",
        "        }",
        "        for {} x {} {",
        "            x := 0",
        "        }",
    )


def test_what_is_outside_stays_as_it_is() -> None:
    text = "function f() {\n  odd;\n\n}\n"
    assert yul.formatted(text) == text


def test_long_calls_have_an_argument_a_line() -> None:
    found = yul.formatted(block(f"x := add({LONG}, mul({LONG}, {LONG}))"))
    assert found == block(
        "        x := add(",
        f"            {LONG},",
        f"            mul({LONG}, {LONG})",
        "        )",
    )
    declared = yul.formatted(block(f"let x := add({LONG}, mul({LONG}, {LONG}))"))
    assert declared.split("\n")[1:3] == ["        let x :=", "            add("]


def test_a_line_is_broken_one_column_past_the_last() -> None:
    fits = "x := add(1, " + "b" * (yul.WIDTH - 8 - len("x := add(1, )")) + ")"
    assert len(yul.formatted(block(fits)).split("\n")[1]) == yul.WIDTH
    assert len(yul.formatted(block(fits.replace("b)", "bb)"))).split("\n")) > 4


def test_long_conditions_have_a_block() -> None:
    found = yul.formatted(block(f"if lt({LONG}, 1) {{ x := add({LONG}, 2) }}"))
    assert found == block(
        f"        if lt({LONG}, 1) {{", f"            x := add({LONG}, 2)", "        }"
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sol")), ids=lambda path: path.name)
def test_golden_contracts_are_laid_out_already(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert yul.formatted(text) == text


@given(st.integers(0, 2**64), st.integers(1, 2**20))
def test_arithmetic_is_what_it_says(value: int, by: int) -> None:
    assert int(yul.div(str(value), by)) == value // by
    assert int(yul.mod(str(value), by)) == value % by
    assert int(yul.mul(str(value), by)) == value * by


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (yul.div("x", 1), "x"),
        (yul.div("x", 8), "shr(3, x)"),
        (yul.div("x", 10), "div(x, 10)"),
        (yul.mod("x", 1), "0"),
        (yul.mod("x", 8), "and(x, 7)"),
        (yul.mod("x", 10), "mod(x, 10)"),
        (yul.mul("x", 1), "x"),
        (yul.mul("x", 8), "shl(3, x)"),
        (yul.mul("x", 10), "mul(x, 10)"),
    ],
)
def test_powers_of_two_are_shifts(found: str, wanted: str) -> None:
    assert found == wanted
