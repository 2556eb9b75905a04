"""What a contract does not use is not in its source, and what it speaks of is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dcai_compile.pruning import without_unused
from dcai_compile.sources import hand_written

GOLDEN = sorted((Path(__file__).parent / "golden_contracts").glob("*.sol"))
LIBRARY = "\n".join(text for _, text in hand_written())

SOURCE = """\
contract Small is Base {
    /// @dev Read by nobody, after the next is gone.
    uint256 private constant A = 1;
    /// @dev Named by a comment: see B.
    uint256 private constant B = 2;
    uint256 private constant C = 3;

    // FUNCTIONS

    /// @dev Calls `_chained`.
    /// Nobody calls it.
    function _unused(uint256 a)
        private
        pure
        returns (uint256)
    {
        if (a == C) {
            return A;
        }
        return _chained(a);
    }

    function used() external pure returns (uint256) {
        return _used();
    }

    /// @dev What `B` is.
    function _used() private pure returns (uint256) {
        return C; // not _chained(3)
    }

    /// @dev Nobody here calls what is not private.
    function asked(uint256 x)
        external
        // not private
        pure
        returns (uint256)
    {
        return x;
    }

    function _value() private pure returns (uint256) {
        return _chosen("http://x" /* not _chained(4) */, _given);
    }

    function _chosen(string memory, function() pure returns (uint256) f) private pure returns (uint256) {
        return f() + _value();
    }

    function _given() private pure returns (uint256) {
        return 5;
    }

    /// @dev Called by its heirs.
    function _inherited() internal pure override returns (uint256) {
        return 4;
    }

    function _chained(uint256 a) private pure returns (uint256) {
        assembly {
            function _chained_too(x) -> y {
                y := x
            }
            a := _chained_too(a)
        }
        return a;
    }
}
"""

PRUNED = """\
contract Small is Base {
    /// @dev Named by a comment: see B.
    uint256 private constant B = 2;
    uint256 private constant C = 3;

    // FUNCTIONS

    function used() external pure returns (uint256) {
        return _used();
    }

    /// @dev What `B` is.
    function _used() private pure returns (uint256) {
        return C; // not _chained(3)
    }

    /// @dev Nobody here calls what is not private.
    function asked(uint256 x)
        external
        // not private
        pure
        returns (uint256)
    {
        return x;
    }

    function _value() private pure returns (uint256) {
        return _chosen("http://x" /* not _chained(4) */, _given);
    }

    function _chosen(string memory, function() pure returns (uint256) f) private pure returns (uint256) {
        return f() + _value();
    }

    function _given() private pure returns (uint256) {
        return 5;
    }

    /// @dev Called by its heirs.
    function _inherited() internal pure override returns (uint256) {
        return 4;
    }
}
"""


def test_what_nobody_uses_goes_and_nothing_else() -> None:
    assert without_unused(SOURCE) == PRUNED
    assert without_unused(PRUNED) == PRUNED


def test_a_function_that_only_calls_itself_stays() -> None:
    # It has no place in a template either, but to tell it from one that is used is not for patterns.
    loop = "    function _loop() private pure {\n        _loop();\n    }\n"
    source = f"contract Loop {{\n{loop}}}\n"
    assert without_unused(source) == source


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_contract_has_all_that_it_speaks_of_and_nothing_unused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert without_unused(text) == text
    code = re.sub(r"//.*", "", text)
    for name in re.findall(r"\bfunction (_\w+)\([^{};]*\bprivate\b", code):
        assert len(re.findall(rf"\b{name}\(", code)) > 1, f"{name} is never called"
    for name in re.findall(r"^import \{(\w+)\}", text, re.M):
        assert len(re.findall(rf"\b{name}\b", code)) > 1, f"{name} is never used"
    defined = set(re.findall(r"(?:function|constant) (\w+)", text + LIBRARY))
    for name in re.findall(r"`(_\w+|[A-Z][A-Z_]+)`", text):
        assert name in defined, f"a comment speaks of {name}"
