"""Every `_refuse(Error.selector, ...)` in our Solidity against the declaration of its error.

The compiler sees a selector and words there, so what it checks for `revert Error(...)` is checked here.
"""

from __future__ import annotations

import re

import pytest

from dcai_compile.sources import hand_written, template_folder

USE = re.compile(r"_refuse\((\w+)\.selector, (.*)\);")
DECLARATION = re.compile(r"^    error (\w+)\((.*)\);$", re.MULTILINE)
CONTRACTS = dict(hand_written())
TEXTS = CONTRACTS | {
    entry.name: entry.read_text(encoding="utf-8")
    for entry in template_folder().iterdir()
    if entry.name.endswith(".sol.j2")
}
ERRORS = {
    name: [parameter.split()[0] for parameter in parameters.split(", ")]
    for path in ("ModelErrors.sol", "TrainerErrors.sol")
    for name, parameters in DECLARATION.findall(CONTRACTS[path])
}
USES = [
    (path, *found.groups()) for path, text in sorted(TEXTS.items()) for found in USE.finditer(text)
]


def arguments(text: str) -> list[str]:
    """Arguments of a call, apart at the commas outside of brackets."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [argument.strip() for argument in found]


@pytest.mark.parametrize(("path", "name", "values"), USES)
def test_a_refusal_has_the_values_of_its_error(path: str, name: str, values: str) -> None:
    assert name in ERRORS, f"{path}: {name} is raised, and no heir has it in its ABI"
    assert len(arguments(values)) == len(ERRORS[name]), path
    # A sign is kept by the detour over int256 only.
    for kind, argument in zip(ERRORS[name], arguments(values), strict=True):
        if kind == "int64":
            assert argument.startswith("uint256(int256("), path


def test_every_use_is_seen() -> None:
    # Topics of events are selectors, too.
    texts = [text for path, text in TEXTS.items() if path != "Refusals.sol"]
    topics = sum(text.count("_logClaim(") - text.count("function _logClaim(") for text in texts)
    assert topics == 2
    assert len(USES) + topics == sum(text.count(".selector, ") for text in texts)
    assert {name for _, name, _ in USES} == set(ERRORS)
