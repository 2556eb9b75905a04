"""A Solidity compiler that stays in memory, for a suite that compiles hundreds of contracts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from dcai_compile.solc import Solc

SCRIPT = Path(__file__).with_name("resident_solc.js")
LIFETIME = 100
"""Compilations after which it is started anew: its memory only grows."""


class ResidentSolc:
    """Runs `soljson.js` of an installed npm compiler in one process of Node."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._left = 0

    def run(self, standard_input: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Compile; what the compiler refuses is in the answer's ``errors``."""
        if self._left == 0:
            self.close()
            self._process = subprocess.Popen(
                ["node", str(SCRIPT), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._left = LIFETIME
        assert self._process and self._process.stdin and self._process.stdout
        self._left -= 1
        self._process.stdin.write(json.dumps(standard_input, separators=(",", ":")) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self._process, self._left = None, 0


def can_stay(solc: Solc) -> bool:
    """Whether this is the WebAssembly build, and not a native compiler, which needs no such thing."""
    return solc.binary.with_name("soljson.js").is_file()
