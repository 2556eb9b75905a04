"""A node as test EVM: JSON-RPC, with the node's unlocked accounts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from eth_utils.address import to_checksum_address
from web3.types import RPCResponse

from dcai_compile.chain.node import TIMEOUT, Node, error_message, hex_bytes, revert_data
from dcai_compile.errors import ChainError
from dcai_compile.evm import (
    CALL_GAS,
    TX_GAS,
    CallResult,
    Deployed,
    Log,
    deploy_failed,
    seconds_ahead,
)

__all__ = ["RpcEvm"]

_POLL = 0.02
"""Seconds between two looks for a receipt; a development node mines at once."""

# How nodes word an execution that stopped without revert data.
_HALT = re.compile(
    r"revert|evm error|vm exception|out of gas|opcode|stack (under|over)flow|invalid jump", re.I
)


class RpcEvm:
    """A node with unlocked accounts, such as anvil; its fork, clock and funds are its own."""

    name = "rpc"

    def __init__(self, url: str) -> None:
        self._node = Node(url, patient=False)
        self._place = self._node.place
        accounts = self._ask("eth_accounts")
        if not accounts:
            raise ChainError(
                f"the node at {self._place} has no unlocked account",
                hint="use a development node such as anvil",
            )
        self.accounts: tuple[str, ...] = tuple(map(to_checksum_address, accounts))
        block = self._ask("eth_getBlockByNumber", "latest", False)
        self._tx_gas = min(TX_GAS, int(block["gasLimit"], 16))
        self._ahead = 0

    def call(self, to: str, data: bytes, *, sender: str | None = None) -> CallResult:
        """Ask without changing anything (eth_call). A revert is a result."""
        request = self._request(to, data, sender) | {"gas": hex(CALL_GAS)}
        answer = self._answer("eth_call", request, "latest")
        if "error" not in answer:
            return CallResult(True, hex_bytes(answer["result"]), 0)
        return CallResult(False, self._reverted("eth_call", answer), 0)

    def send(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0
    ) -> CallResult:
        """Send a transaction with `value` wei, and mine it. A revert is a result."""
        return self._mine(self._request(to, data, sender) | {"value": hex(value)})[0]

    def deploy(self, initcode: bytes, *, sender: str | None = None) -> Deployed:
        """Create a contract; ChainError, with the revert data, when that fails."""
        result, receipt = self._mine(self._request(None, initcode, sender))
        if not result.success:
            raise deploy_failed(self._place, "the constructor failed", result.output)
        return Deployed(to_checksum_address(receipt["contractAddress"]), result.gas_used)

    def logs(self, address: str) -> list[Log]:
        """Every event that the contract at `address` has emitted, in order."""
        wanted = {"address": address, "fromBlock": "0x0", "toBlock": "latest"}
        return [_log(entry) for entry in self._ask("eth_getLogs", wanted)]

    def storage(self, address: str, slot: int) -> int:
        """The value of one storage slot."""
        return self.storage_many(address, (slot,))[0]

    def storage_many(self, address: str, slots: Sequence[int]) -> list[int]:
        """The values of many storage slots, in the order asked, by JSON-RPC batches."""
        requests = [("eth_getStorageAt", [address, hex(slot), "latest"]) for slot in slots]
        return [int(word, 16) for word in self._node.ask_many(requests)]

    def code(self, address: str) -> bytes:
        """The runtime code at `address`, empty if there is none."""
        return hex_bytes(self._ask("eth_getCode", address, "latest"))

    def balance(self, address: str) -> int:
        """The balance of `address` in wei."""
        return int(self._ask("eth_getBalance", address, "latest"), 16)

    def timestamp(self) -> int:
        """The time of the latest block, in seconds."""
        return int(self._ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance_time(self, seconds: int) -> None:
        """Let the next transaction's block be `seconds` after the latest one.

        Raises ChainError where the node cannot move its clock.
        """
        self._ahead += seconds_ahead(seconds)
        at = self.timestamp() + max(1, self._ahead)
        # The second is coarser, and older: it counts from the node's clock, not its latest block.
        if "error" not in self._answer("evm_setNextBlockTimestamp", at):
            return
        answer = self._answer("evm_increaseTime", seconds)
        if "error" in answer:
            self._ahead -= seconds
            raise ChainError(
                f"the node at {self._place} cannot put its clock forward: {error_message(answer)}",
                hint="use a development node such as anvil, or one of the built-in test EVMs",
            )

    def _request(self, to: str | None, data: bytes, sender: str | None) -> dict[str, str]:
        request = {"from": sender or self.accounts[0], "data": "0x" + data.hex()}
        return request if to is None else request | {"to": to}

    def _mine(self, request: Mapping[str, str]) -> tuple[CallResult, dict[str, Any]]:
        transaction = self._ask("eth_sendTransaction", {**request, "gas": hex(self._tx_gas)})
        receipt = self._receipt(transaction)
        self._ahead = 0
        gas_used = int(receipt["gasUsed"], 16)
        if int(receipt["status"], 16) == 0:
            output = self._output_of(transaction, request, receipt)
            return CallResult(False, output, gas_used), receipt
        return CallResult(True, b"", gas_used, tuple(map(_log, receipt["logs"]))), receipt

    def _receipt(self, transaction: str) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT
        while (receipt := self._ask("eth_getTransactionReceipt", transaction)) is None:
            if time.monotonic() > deadline:
                raise ChainError(
                    f"the node at {self._place} did not mine {transaction} in {TIMEOUT:.0f} s",
                    hint="let the node mine each transaction at once",
                )
            time.sleep(_POLL)
        return cast(dict[str, Any], receipt)

    def _output_of(
        self, transaction: str, request: Mapping[str, str], receipt: Mapping[str, Any]
    ) -> bytes:
        """The revert data of a mined transaction, which no receipt holds."""
        trace = self._answer("debug_traceTransaction", transaction, {"tracer": "callTracer"})
        if "error" not in trace:
            return hex_bytes(cast(dict[str, str], trace["result"]).get("output", "0x"))
        # Without traces: the same call again on the state before, at that block's time.
        before = hex(int(receipt["blockNumber"], 16) - 1)
        answer = self._answer("eth_call", {**request, "gas": hex(self._tx_gas)}, before)
        return self._reverted("eth_call", answer) if "error" in answer else b""

    def _reverted(self, method: str, answer: RPCResponse) -> bytes:
        """The revert data in an eth_call's error; ChainError if it is about anything else."""
        data = revert_data(answer)
        if data is None and not _HALT.search(error_message(answer)):
            raise self._node.refusal(method, answer)
        return data or b""

    def _ask(self, method: str, *params: Any) -> Any:
        return self._node.ask(method, *params)

    def _answer(self, method: str, *params: Any) -> RPCResponse:
        return self._node.answer(method, *params)


def _log(entry: Mapping[str, Any]) -> Log:
    topics = tuple(map(hex_bytes, entry["topics"]))
    return Log(to_checksum_address(entry["address"]), topics, hex_bytes(entry["data"]))
