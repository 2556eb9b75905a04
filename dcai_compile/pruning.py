"""What a generated contract does not use is left out: whoever reads it looks for nothing in vain.

Templates serve many models, and what one needs another does not. The Solidity compiler makes no code of private
functions that nobody calls, nor of constants that nobody reads; here they leave the source, too.
"""

from __future__ import annotations

import re
from collections import Counter

QUIET = re.compile(r'"(?:\\.|[^"\\\n])*"|//.*|/\*(?:.|\n)*?\*/')
"""Strings and comments."""

NOTES = r"(?:^    ///.*\n)*"
BODY = r"\{\n(?:(?!    \}\n).*\n)*^    \}\n\n?"
FUNCTION = re.compile(NOTES + r"^    function (?P<name>\w+)(?P<head>\([^{};]*)" + BODY, re.M)
CONSTANT = re.compile(NOTES + r"^    \w+ private constant (?P<name>\w+) = .*;\n", re.M)


def without_unused(source: str) -> str:
    """The source without private functions that no code names, and without private constants that neither code
    nor a comment does; nor what only those have named.
    """
    while (shorter := _shortened(source)) != source:
        source = shorter
    return re.sub(r"\n\n(?=\}\n*\Z)", "\n", source)


def _shortened(source: str) -> str:
    # Blanks for what is no code: places stay.
    code = QUIET.sub(lambda quiet: re.sub(r"[^\n]", " ", quiet[0]), source)
    coded, named = (Counter(re.findall(r"\b\w+\b", text)) for text in (code, source))

    def kept_function(found: re.Match[str]) -> str:
        words = set(re.findall(r"\w+", code[slice(*found.span("head"))]))
        hidden = "private" in words and not words & {"external", "public", "internal"}
        return "" if hidden and coded[found["name"]] == 1 else found[0]

    def kept_constant(found: re.Match[str]) -> str:
        return "" if named[found["name"]] == 1 else found[0]

    return CONSTANT.sub(kept_constant, FUNCTION.sub(kept_function, source))
