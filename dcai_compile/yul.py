"""Assembly in generated Solidity, as `forge fmt` lays it out, and numbers for it.

Templates assemble expressions from parts whose lengths they do not know, and macros land at any depth.
So blocks of assembly are indented by their braces at the end, and what is too long for a line is broken:
a call's arguments a line each, a block's statements a line each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WIDTH = 120
"""Columns of a line of Solidity."""

BLOCK_WIDTH = 110
"""Columns of a line that is a whole block."""

INDENT = 4


def div(dividend: str, divisor: int) -> str:
    """``dividend / divisor`` in assembly; a shift where that does it."""
    if dividend.isdecimal():
        return str(int(dividend) // divisor)
    if divisor & (divisor - 1):
        return f"div({dividend}, {divisor})"
    return f"shr({divisor.bit_length() - 1}, {dividend})" if divisor > 1 else dividend


def mod(dividend: str, divisor: int) -> str:
    """``dividend % divisor`` in assembly."""
    if dividend.isdecimal():
        return str(int(dividend) % divisor)
    if divisor & (divisor - 1):
        return f"mod({dividend}, {divisor})"
    return f"and({dividend}, {divisor - 1})" if divisor > 1 else "0"


def mul(factor: str, by: int) -> str:
    """``factor * by`` in assembly."""
    if factor.isdecimal():
        return str(int(factor) * by)
    if by & (by - 1):
        return f"mul({factor}, {by})"
    return f"shl({by.bit_length() - 1}, {factor})" if by > 1 else factor


def formatted(text: str) -> str:
    """A Solidity file with its blocks of assembly laid out."""
    lines: list[str] = []
    depth = 0  # of braces and parentheses inside a block of assembly; 0 outside
    indent = 0
    declared = 0  # the depth at which a declaration goes on with its value
    for line in text.split("\n"):
        bare = line.strip()
        if depth == 0:
            lines.append(line)
            if re.match(r"assembly .*{$", bare):
                depth, indent, declared = 1, len(line) - len(line.lstrip()), 0
            continue
        if not bare:
            continue
        code = bare.split("//")[0]
        # What closes comes before the level that it ends.
        level = depth - code.startswith(("}", ")")) + (declared > 0)
        lines.extend(_laid_out(bare, indent + INDENT * level))
        depth += sum(code.count(sign) for sign in "{(") - sum(code.count(sign) for sign in "})")
        if code.endswith(":="):
            declared = depth
        elif declared >= depth:
            declared = 0
    return "\n".join(lines)


def _laid_out(bare: str, indent: int) -> Iterator[str]:
    """One statement, on as few lines as it fits on."""
    block = re.match(r"(if .*) { (.*) }$", bare)
    width = BLOCK_WIDTH if block else WIDTH
    if indent + len(bare) <= width or bare.startswith("//"):
        yield " " * indent + bare
        return
    if block:
        yield from _laid_out(block[1] + " {", indent)
        yield from _laid_out(block[2], indent + INDENT)
        yield " " * indent + "}"
        return
    yield from _broken(bare, indent, "")


def _broken(expression: str, indent: int, after: str) -> Iterator[str]:
    """An expression, its outermost call's arguments a line each where it is too long."""
    if indent + len(expression + after) <= WIDTH:
        yield " " * indent + expression + after
        return
    declared = re.match(r"(let .* :=) (.*)$", expression)
    if declared:
        yield " " * indent + declared[1]
        yield from _broken(declared[2], indent + INDENT, after)
        return
    call = re.match(r"((?:[^()]*:= )?[a-zA-Z0-9]+)\((.*)\)$", expression)
    if call is None:
        yield " " * indent + expression + after
        return
    yield f"{' ' * indent}{call[1]}("
    arguments = _arguments(call[2])
    for number, argument in enumerate(arguments):
        comma = "," if number < len(arguments) - 1 else ""
        yield from _broken(argument, indent + INDENT, comma)
    yield f"{' ' * indent}){after}"


def _arguments(text: str) -> list[str]:
    """The arguments of a call, split at the commas outside of parentheses."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]


def division_gas(divisor: int) -> int:
    """Gas of multiplying with, dividing by or reducing by a constant, as templates write it."""
    if divisor == 1:
        return 0
    return 8 if divisor & (divisor - 1) else 6
