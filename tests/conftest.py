"""What the whole suite shares: a Solidity compiler that stays in memory, and one thread a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sklearn.linear_model  # noqa: F401 - loads what `one_thread` limits
from threadpoolctl import threadpool_limits

from dcai_compile import solc
from tests.resident_solc import ResidentSolc, can_stay

HANDLES_SOLC = ("test_solc", "test_solc_compile")
"""Modules about how the compiler is run, which run it themselves."""

_plain = solc._run
_resident = ResidentSolc()


def _run(standard_input: dict[str, Any], found: solc.Solc) -> dict[str, Any]:
    if not can_stay(found):
        return _plain(standard_input, found)
    output = _resident.run(standard_input, found.binary.parent)
    # What is refused is refused again the plain way, which words it for the user.
    return _plain(standard_input, found) if solc.diagnostics(output, "error") else output


@pytest.fixture(autouse=True)
def resident_solc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every compilation of a test goes to the compiler that stays."""
    if request.module.__name__.rsplit(".", 1)[-1] not in HANDLES_SOLC:
        monkeypatch.setattr(solc, "_run", _run)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Processes share the cores: threads of their numerics would only wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True, scope="session")
def stop_resident_solc() -> Iterator[None]:
    """Leave no process behind."""
    yield
    _resident.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables that tests have made, wherever they ran."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)
