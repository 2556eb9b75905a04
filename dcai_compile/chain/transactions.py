"""Transactions: fees, nonces, sending, and waiting until they are mined."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from dcai_compile.chain.accounts import Signer
from dcai_compile.chain.node import TIMEOUT, Node, error_message, hex_bytes, revert_data
from dcai_compile.errors import ChainError, GasLimitExceeded
from dcai_compile.evm import TX_GAS

GWEI = 10**9
POLL = 0.1
"""Seconds between two looks for a receipt at first; they grow to POLL_SLOWEST."""
POLL_SLOWEST = 2.0
SETTLES = 5.0
"""Seconds after which a node that counts a transaction also finds its receipt."""

# How nodes word that gas did not suffice.
OUT_OF_GAS = ("out of gas", "outofgas", "oog")
# That they have this very transaction, or one with its nonce, already.
KNOWN = ("already known", "known transaction", "already imported", "nonce too low")


@dataclass(frozen=True)
class Fees:
    """What a unit of gas may cost, in wei: in all, and beyond the base fee. No tip: an old chain."""

    max_fee: int
    tip: int | None

    def fields(self) -> dict[str, int]:
        """The fields of a transaction."""
        if self.tip is None:
            return {"gasPrice": self.max_fee}
        return {"maxFeePerGas": self.max_fee, "maxPriorityFeePerGas": self.tip}


def current_fees(node: Node, max_fee: int | None = None, forms: int = 0) -> Fees:
    """Fees for the next blocks: twice the base fee and a tip, or at most `max_fee` wei.

    For each of the earlier `forms` of a transaction an eighth more: nodes replace a transaction that
    waits only by one with a tenth more of everything.
    """
    block = node.ask("eth_getBlockByNumber", "latest", False)
    base = block.get("baseFeePerGas")
    if base is None:
        price = int(node.ask("eth_gasPrice"), 16) * 9**forms // 8**forms
        return Fees(price if max_fee is None else min(price, max_fee), None)
    answer = node.answer("eth_maxPriorityFeePerGas")
    tip = GWEI if "error" in answer else int(str(answer["result"]), 16)
    tip = tip * 9**forms // 8**forms
    most = max_fee if max_fee is not None else 2 * int(base, 16) + tip
    return Fees(most, min(tip, most))


@dataclass
class Order:
    """One transaction that must happen once, as it is kept in a journal.

    Attributes
    ----------
    to, data, value : what it does; `to` None creates a contract.
    nonce : once chosen it stays, so that the order is carried out at most once whatever is sent.
    raw : every signed form that was ever sent, hexadecimal; fees may have risen in between.
    """

    to: str | None
    data: bytes
    value: int = 0
    nonce: int | None = None
    raw: list[str] = field(default_factory=list)


class Transactions:
    """One account's transactions on one node."""

    def __init__(self, node: Node, signer: Signer, *, max_fee: int | None = None) -> None:
        self.node = node
        self.signer = signer
        self.max_fee = max_fee
        self.chain_id = int(node.ask("eth_chainId"), 16)
        self.timeout = TIMEOUT

    def next_nonce(self) -> int:
        """The nonce of the next transaction, those that wait to be mined included."""
        return self._count("pending")

    def mined_nonce(self) -> int:
        """How many transactions of this account are mined."""
        return self._count("latest")

    def _count(self, block: str) -> int:
        return int(self.node.ask("eth_getTransactionCount", self.signer.address, block), 16)

    def dry_run(self, order: Order) -> tuple[bool, bytes]:
        """Whether it would succeed on the latest block, and what it returns or reverts with."""
        answer = self.node.answer("eth_call", self._request(order) | {"gas": hex(TX_GAS)}, "latest")
        if "error" not in answer:
            return True, hex_bytes(str(answer["result"]))
        data = revert_data(answer)
        message = error_message(answer).lower()
        if not data and any(words in message for words in OUT_OF_GAS):
            raise _too_much_gas()
        if data is None and "revert" not in message:
            raise self.node.refusal("eth_call", answer)
        return False, data or b""

    def gas(self, order: Order) -> int:
        """A gas limit: a tenth more than the node estimates, at most what a transaction may have."""
        answer = self.node.answer("eth_estimateGas", self._request(order))
        if "error" in answer:
            refusal = self.node.refusal("eth_estimateGas", answer)
            refusal.revert_data = revert_data(answer) or b""
            raise refusal
        estimated = int(str(answer["result"]), 16)
        if estimated > TX_GAS:
            raise _too_much_gas(estimated)
        return min(TX_GAS, estimated + estimated // 10)

    def carry_out(self, order: Order, save: Callable[[], None]) -> dict[str, Any]:
        """Send an order, or go on with one that was sent before, and wait for its receipt.

        `save` is called whenever the order has changed, and before anything is sent. Raises
        `ChainError`; to go on, call it with the same order again.
        """
        if order.nonce is None or self._was_replaced(order):
            order.nonce, order.raw = self.next_nonce(), []
        receipt = self._receipt(order)
        if receipt is None:
            self._send(order, save)
            receipt = self._wait(order)
        return receipt

    def _was_replaced(self, order: Order) -> bool:
        """Whether its nonce went to another transaction of this account, or is far ahead on this chain."""
        if (order.nonce or 0) > self.next_nonce():
            return True  # what it was chosen after has been undone by a reorganisation
        deadline = time.monotonic() + (SETTLES if order.raw else 0.0)
        while self.mined_nonce() > (order.nonce or 0):
            if self._receipt(order) is not None:
                return False
            if time.monotonic() > deadline:
                return True
            time.sleep(POLL)  # a node may know of the nonce before it finds the receipt
        return False

    def _send(self, order: Order, save: Callable[[], None]) -> None:
        forms = 0 if self.max_fee is None else len(order.raw)
        fees = current_fees(self.node, self.max_fee, forms).fields()
        transaction: dict[str, Any] = {
            **fees,
            "nonce": order.nonce,
            "gas": self.gas(order),
            "chainId": self.chain_id,
            "data": order.data,
            "value": order.value,
            **({} if order.to is None else {"to": order.to}),
        }
        raw = self.signer.sign(transaction)
        if raw is None:
            save()
            request = {
                key: value if isinstance(value, str) else hex(value)
                for key, value in transaction.items()
                if key not in ("data", "chainId")
            }
            request |= {"from": self.signer.address, "data": "0x" + order.data.hex()}
            order.raw.append(str(self.node.ask("eth_sendTransaction", request)))
            save()
            return
        if "0x" + raw.hex() not in order.raw:
            order.raw.append("0x" + raw.hex())
        save()
        self._broadcast(order)

    def _broadcast(self, order: Order) -> None:
        """Send the newest form; one that the node has already, or whose nonce is mined, is there."""
        answer = self.node.answer("eth_sendRawTransaction", order.raw[-1])
        if "error" not in answer:
            return
        message = error_message(answer).lower()
        if any(known in message for known in KNOWN):
            return
        if "underpriced" in message and len(order.raw) > 1:
            order.raw.pop()  # an older form is still there, and as good
            return
        raise self.node.refusal("eth_sendRawTransaction", answer)

    def _hashes(self, order: Order) -> list[str]:
        hashes = []
        for raw in order.raw:
            # What a node signed is known by its hash alone.
            is_hash = len(raw) == 66
            hashes.append(raw if is_hash else "0x" + keccak(hex_bytes(raw)).hex())
        return hashes

    def _receipt(self, order: Order) -> dict[str, Any] | None:
        for value in self._hashes(order):
            found: dict[str, Any] | None = self.node.ask("eth_getTransactionReceipt", value)
            if found is not None and found.get("blockNumber") is not None:
                return found
        return None

    def _wait(self, order: Order) -> dict[str, Any]:
        deadline = time.monotonic() + self.timeout
        pause = POLL
        while (receipt := self._receipt(order)) is None:
            if time.monotonic() > deadline:
                raise ChainError(
                    f"the transaction with nonce {order.nonce} is not mined after {self.timeout:.0f} s",
                    hint="run the same command again to go on waiting, with a higher --max-fee if the "
                    "network is busy: nothing is paid twice",
                )
            time.sleep(pause)
            pause = min(POLL_SLOWEST, pause * 1.5)
        return receipt

    def _request(self, order: Order) -> dict[str, str]:
        request = {
            "from": self.signer.address,
            "data": "0x" + order.data.hex(),
            "value": hex(order.value),
        }
        return request if order.to is None else request | {"to": order.to}


def _too_much_gas(gas: int = 0) -> GasLimitExceeded:
    needs = f"{gas:,} gas" if gas else "more gas"
    return GasLimitExceeded(
        f"the transaction needs {needs}, and one has {TX_GAS:,}; nothing was sent",
        hint="a lesson that moves many classes at once writes the most: teach a shorter sample, or "
        "compile with a smaller horizon, whose narrower lanes share slots",
        gas=gas,
        limit=TX_GAS,
    )
