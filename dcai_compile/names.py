"""Text of the user's, on its way into Solidity: what may pass, and how it is written.

A class name is data from a training set, so it is not to be trusted. As a string it is escaped
completely: only letters, digits, spaces and harmless punctuation are left as they are. What
would deceive a reader of the verified source, or breaks a line, is refused instead.
"""

from __future__ import annotations

import unicodedata

from dcai_compile.errors import InvalidName

MAX_NAME_BYTES = 256
"""A name is stored in contract code; 256 bytes are more than any reader will read."""

HARMLESS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&()+,-.:;<=>?@[]^_{|}~'"
)


def check_text(option: str, text: str) -> None:
    """Refuse, with `InvalidName`, text that is empty, too long, or holds invisible characters.

    Control characters, line ends, bidirectional marks, unassigned and private code points and
    lone surrogates have no honest use in a name.
    """
    if not text:
        raise InvalidName(
            f"{option}: the name is empty",
            hint="give every class a name",
            option=option,
            value=text,
        )
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise InvalidName(
                f"{option}: character {position} of {text[:40]!r} is U+{ord(character):04X}, "
                "which a reader cannot see",
                hint="rename it with class_names=[...]",
                option=option,
                value=text,
                position=position,
            )
    size = len(text.encode())
    if size > MAX_NAME_BYTES:
        raise InvalidName(
            f"{option}: {text[:40]!r}… has {size} bytes, the limit is {MAX_NAME_BYTES}",
            hint="shorten it with class_names=[...]",
            option=option,
            value=text,
            position=MAX_NAME_BYTES,
        )


def string_literal(text: str) -> str:
    """A Solidity string literal with exactly the UTF-8 bytes of `text`, in ASCII."""
    pieces = []
    for character in text:
        if character in HARMLESS:
            pieces.append(character)
        else:
            pieces.extend(f"\\x{byte:02x}" for byte in character.encode())
    return '"' + "".join(pieces) + '"'


def comment_text(text: str, limit: int = 80) -> str:
    """`text` for a one-line comment: ASCII, nothing that could end a comment, at most `limit` long."""
    ascii_text = text.encode("unicode_escape").decode("ascii").replace("*/", "*\\u002f")
    return ascii_text if len(ascii_text) <= limit else ascii_text[: limit - 3] + "..."
