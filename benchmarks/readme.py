"""The generated parts of README.md.

    python -m benchmarks.readme      write them anew

The table of supported estimators comes from the registry and is checked by a test. The parity
table is written by `python -m benchmarks.parity --markdown README.md`, which takes minutes.
"""

from __future__ import annotations

from pathlib import Path

from dcai_compile.families import supported_estimators

README = Path(__file__).resolve().parent.parent / "README.md"


def supported_table() -> str:
    """Every supported estimator as a row of Markdown."""
    lines = ['| estimator | family | its own training step (`update="auto"`) |', "|---|---|---|"]
    for entry in supported_estimators():
        name = f"`{entry.name}`" if entry.module else f"DCAI model JSON, type `{entry.name}`"
        lines.append(f"| {name} | {entry.family} | {entry.step} |")
    return "\n".join(lines)


def replace_section(text: str, title: str, content: str) -> str:
    """`text` with `content` between the comments ``<!-- title -->`` and ``<!-- end of title -->``."""
    begin, end = f"<!-- {title} -->", f"<!-- end of {title} -->"
    head, rest = text.split(begin)
    return f"{head}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(
        replace_section(text, "supported estimators", supported_table()), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
