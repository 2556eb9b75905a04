"""The hand-written files of this compiler: templates, contracts, and the names that they take."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, normpath

from dcai_compile.errors import InvalidName
from dcai_compile.reserved import RESERVED


def template_folder() -> Traversable:
    """The folder of the templates, in a checkout and in an installed wheel."""
    return files("dcai_compile.templates")


@cache
def hand_written() -> tuple[tuple[str, str], ...]:
    """Path and text of every hand-written Solidity file, by path."""
    found: list[tuple[str, str]] = []

    def walk(folder: Traversable, prefix: str) -> None:
        for entry in sorted(folder.iterdir(), key=lambda item: item.name):
            if entry.is_dir():
                walk(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith(".sol"):
                found.append((prefix + entry.name, entry.read_text(encoding="utf-8")))

    walk(files("dcai_compile.contracts"), "")
    return tuple(found)


@cache
def inherited_errors() -> frozenset[str]:
    """Errors that a generated contract has from its bases: it does not import them."""
    return frozenset(DECLARED.findall(dict(hand_written())["ModelErrors.sol"]))


@cache
def _taken() -> frozenset[str]:
    """Names of our own files and of what they and the templates declare."""
    names = {path.rsplit("/", 1)[-1].removesuffix(".sol") for path, _ in hand_written()}
    texts = [text for _, text in hand_written()]
    texts += [
        entry.read_text(encoding="utf-8")
        for entry in template_folder().iterdir()
        if entry.name.endswith(".sol.j2")
    ]
    for text in texts:
        names |= set(DECLARED.findall(text))
    return frozenset(names)


IMPORT = re.compile(r'^(?:import|\}) .*from "([^"]+)";$', re.MULTILINE)
DECLARED = re.compile(r"^ *(?:error|event|function|modifier) +([A-Za-z]\w*)", re.MULTILINE)
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def check_contract_name(name: str) -> None:
    """Refuse a name that cannot be a contract's, with `InvalidName`."""
    if IDENTIFIER.fullmatch(name) and name not in _taken() and name not in RESERVED:
        return
    raise InvalidName(
        f"{name!r} cannot be the name of a contract",
        hint="use up to 64 letters, digits and underscores, beginning with a letter, and no "
        "word of Solidity or of this compiler's own contracts",
        option="name",
        value=name,
    )


def with_imports(texts: list[str], paths: list[str]) -> dict[str, str]:
    """The hand-written contracts that these texts import and those at `paths`, with all that they import.

    By path beside the texts: a reader of the verified source finds nothing that plays no part.
    """
    known = dict(hand_written())
    found: dict[str, str] = {}
    queue = [normpath(name) for text in texts for name in IMPORT.findall(text)]
    queue += [f"contracts/{path}" for path in paths]
    while queue:
        path = queue.pop()
        if path not in found:
            found[path] = known[path.removeprefix("contracts/")]
            queue += [normpath(f"{dirname(path)}/{name}") for name in IMPORT.findall(found[path])]
    return dict(sorted(found.items()))
