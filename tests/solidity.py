"""Solidity that only tests need, compiled once a process beside the compiler's own contracts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dcai_compile.artifact import Compiled
from dcai_compile.solc import compile_standard
from dcai_compile.sources import hand_written

FOLDER = Path(__file__).parent / "contracts"


@cache
def initcode(name: str) -> bytes:
    """Creation code of ``tests/contracts/<name>.sol``."""
    sources = {f"contracts/{path}": {"content": text} for path, text in hand_written()}
    sources[f"{name}.sol"] = {"content": (FOLDER / f"{name}.sol").read_text(encoding="utf-8")}
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "optimizer": {"enabled": True, "runs": 200},
            "evmVersion": "cancun",
            "outputSelection": {f"{name}.sol": {name: ["evm.bytecode.object"]}},
        },
    }
    output = compile_standard(request)
    return bytes.fromhex(output["contracts"][f"{name}.sol"][name]["evm"]["bytecode"]["object"])


def initcode_beside(compiled: Compiled, functions: str) -> bytes:
    """Creation code of the generated contract with more functions, which see what is internal."""
    request = dict(compiled.standard_input)
    main = compiled.main.name
    path = f"{main}.sol"
    text = compiled.source[path].rstrip()
    assert text.endswith("}")
    request["sources"] = {**request["sources"], path: {"content": f"{text[:-1]}{functions}}}\n"}}
    output = compile_standard(request)
    return bytes.fromhex(output["contracts"][path][main]["evm"]["bytecode"]["object"])
