"""Every function and event of DCAI, called through DCAI's signatures, on fused and on modular."""

from __future__ import annotations

import pytest

from tests.interface import DOCUMENT, ROWS, Row, found, table


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.part}: {row.what}")
def test_row(row: Row) -> None:
    for layout, (answer, expected) in found(row).items():
        assert answer == expected, layout


def test_the_table_is_printed_and_published(capsys: pytest.CaptureFixture[str]) -> None:
    text = table()
    print(text)
    assert "| NO |" not in text
    assert DOCUMENT.read_text(encoding="utf-8") == text, "python -m tests.interface --write"
    assert capsys.readouterr().out
