"""anvil with the limits of mainnet, started and stopped by a test."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dcai_compile.chain.node import Node

KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
"""Of anvil's first accounts, which everybody knows."""

BLOCK_GAS = 60_000_000


@contextmanager
def running_anvil() -> Iterator[str]:
    """The URL of a fresh chain; skips where anvil is not installed."""
    program = shutil.which("anvil")
    if program is None:
        pytest.skip("anvil is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        "--silent",
        "--port",
        str(port),
        "--gas-limit",
        str(BLOCK_GAS),
        "--enable-tx-gas-limit",
    ]
    process = subprocess.Popen([program, *arguments])
    try:
        for _ in range(1_000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def pass_time(node: Node, seconds: int) -> None:
    """Put the chain's clock forward, and mine a block."""
    node.ask("evm_increaseTime", seconds)
    node.ask("evm_mine")
