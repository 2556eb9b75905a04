"""The generated parts of README.md.

    python -m benchmarks.readme      write them anew

The table of supported estimators comes from the registry and is checked by a test. The parity
table is written by `python -m benchmarks.parity --markdown README.md`, which takes minutes.
"""

from __future__ import annotations

from pathlib import Path

from dcai_compile.families import refusals, supported_estimators
from dcai_compile.preprocess import REFUSALS, supported_transformers

README = Path(__file__).resolve().parent.parent / "README.md"


def supported_table() -> str:
    """Every supported estimator as a row of Markdown."""
    lines = ['| estimator | family | its own training step (`update="auto"`) |', "|---|---|---|"]
    for entry in supported_estimators():
        name = f"`{entry.name}`" if entry.module else f"DCAI model JSON, type `{entry.name}`"
        lines.append(f"| {name} | {entry.family} | {entry.step} |")
    return "\n".join(lines)


def transformers_table() -> str:
    """Every supported transformer as a row of Markdown."""
    lines = ["| before the classifier | what is done with it |", "|---|---|"]
    lines += [f"| `{entry.name}` | {entry.treatment} |" for entry in supported_transformers()]
    return "\n".join(lines)


def refusals_table() -> str:
    """Every refusal as a row of Markdown."""
    lines = ["| refused | why | instead |", "|---|---|---|"]
    for entry in (*refusals(), *REFUSALS):
        lines.append(f"| {entry.what} | {entry.why} | {entry.way_out} |")
    return "\n".join(lines)


SECTIONS = {
    "supported estimators": supported_table,
    "supported transformers": transformers_table,
    "refusals": refusals_table,
}


def replace_section(text: str, title: str, content: str) -> str:
    """`text` with `content` between the comments ``<!-- title -->`` and ``<!-- end of title -->``."""
    begin, end = f"<!-- {title} -->", f"<!-- end of {title} -->"
    head, rest = text.split(begin)
    return f"{head}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for title, table in SECTIONS.items():
        text = replace_section(text, title, table())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
