"""What the compiler's tests share: machines without one, and scripts that stand for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dcai_compile import _solcjs, solc
from dcai_compile.solc import SOLC_VERSION, Solc, find_solc

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

contract Answer {
    function answer() external pure returns (uint256) {
        return 42;
    }
}
"""


def standard_input(source: str = SOURCE) -> dict[str, Any]:
    return {
        "language": "Solidity",
        "sources": {"Answer.sol": {"content": source}},
        "settings": {
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {"*": {"*": ["evm.bytecode.object", "metadata"]}},
        },
    }


def bytecode(output: dict[str, Any]) -> str:
    code: str = output["contracts"]["Answer.sol"]["Answer"]["evm"]["bytecode"]["object"]
    return code


@pytest.fixture(scope="session")
def compiler() -> Solc:
    """The machine's own compiler, found before any test hides it."""
    return find_solc()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DCAI_CACHE", str(folder))
    monkeypatch.delenv("DCAI_SOLC", raising=False)
    return folder


@pytest.fixture
def bare_machine(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no compiler, no Node.js and no network; gives its only PATH folder."""
    commands = tmp_path / "commands"
    commands.mkdir()
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "solcx"))

    def unreachable(_code: str, _seconds: float, failure: str) -> None:
        raise _solcjs.NotHere(failure)

    monkeypatch.setattr(solc, "_python", unreachable)
    return commands


def put_script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def put_solc(path: Path, version: str = f"{SOLC_VERSION}+commit.80d5c536.Linux.g++") -> Path:
    """Something that says it is solc `version`."""
    return put_script(path, f"echo 'solc, the compiler'\necho 'Version: {version}'")


def put_npm(commands: Path, soljson: bytes) -> None:
    """Commands `node` and `npm`; the latter "installs" a package with this soljson.js."""
    put_script(commands / "node", f"echo 'Version: {SOLC_VERSION}+commit.0'")
    payload = commands.parent / "payload.js"
    payload.write_bytes(soljson)
    put_script(
        commands / "npm",
        f"""PATH=/usr/bin:/bin
echo "$@" >> {commands.parent}/npm.log
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/solc"
cp {payload} "$2/node_modules/solc/soljson.js" """,
    )


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []
