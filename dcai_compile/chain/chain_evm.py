"""A real chain as an `Evm`, so that a `Deployment` works on it as on a test EVM.

Every transaction is tried out first: one that would revert is not sent, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from dcai_compile.chain.events import log_of, read_events
from dcai_compile.chain.node import Node, hex_bytes, revert_data
from dcai_compile.chain.transactions import Order, Transactions
from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import CallResult, Deployed, Log


class ChainEvm:
    """A node, and one account that signs; without an account it can only be asked."""

    name = "chain"

    def __init__(
        self, node: Node, transactions: Transactions | None = None, *, first_block: int = 0
    ) -> None:
        self.node = node
        self.transactions = transactions
        self.first_block = first_block
        self.accounts: tuple[str, ...] = ()
        if transactions is not None:
            self.accounts = (transactions.signer.address,)

    def call(self, to: str, data: bytes, *, sender: str | None = None) -> CallResult:
        """Ask without changing anything (eth_call). A revert is a result."""
        request = {"to": to, "data": "0x" + data.hex()}
        if sender or self.accounts:
            request["from"] = sender or self.accounts[0]
        answer = self.node.answer("eth_call", request, "latest")
        if "error" not in answer:
            return CallResult(True, hex_bytes(str(answer["result"])), 0)
        output = revert_data(answer)
        if output is None:
            raise self.node.refusal("eth_call", answer)
        return CallResult(False, output, 0)

    def send(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0
    ) -> CallResult:
        """Try a transaction out, and send it if it would succeed."""
        transactions = self._signing(sender)
        order = Order(to, data, value)
        succeeds, output = transactions.dry_run(order)
        if not succeeds:
            return CallResult(False, output, 0)
        receipt = transactions.carry_out(order, lambda: None)
        gas_used = int(receipt["gasUsed"], 16)
        if int(receipt["status"], 16) == 0:
            _, output = transactions.dry_run(order)
            return CallResult(False, output, gas_used)
        return CallResult(True, b"", gas_used, tuple(map(log_of, receipt["logs"])))

    def _signing(self, sender: str | None) -> Transactions:
        if self.transactions is None:
            raise InvalidOption(
                "there is no account to sign with",
                hint="pass --keystore FILE, set DCAI_PRIVATE_KEY, or use a node that holds one",
                option="account",
                value=None,
            )
        if sender is not None and sender != self.transactions.signer.address:
            raise InvalidOption(
                f"{sender} is not the account that signs here, {self.transactions.signer.address}",
                hint="use the keystore or key of that account",
                option="account",
                value=sender,
            )
        return self.transactions

    def deploy(self, initcode: bytes, *, sender: str | None = None) -> Deployed:
        """Systems are deployed by `deployer`, which can go on after a failure."""
        raise ChainError("a contract alone is not deployed here", hint="use dcai deploy")

    def logs(self, address: str) -> list[Log]:
        """Every event that the contract at `address` has emitted since its first block."""
        return [
            event.log for event in read_events(self.node, [address], [], first=self.first_block)
        ]

    def storage(self, address: str, slot: int) -> int:
        """The value of one storage slot."""
        return self.storage_many(address, (slot,))[0]

    def storage_many(self, address: str, slots: Sequence[int]) -> list[int]:
        """The values of many storage slots, in the order asked, by batches."""
        requests = [("eth_getStorageAt", [address, hex(slot), "latest"]) for slot in slots]
        return [int(word, 16) for word in self.node.ask_many(requests)]

    def code(self, address: str) -> bytes:
        """The code at an address, empty if there is none."""
        return hex_bytes(str(self.node.ask("eth_getCode", address, "latest")))

    def balance(self, address: str) -> int:
        """The balance of `address` in wei."""
        return int(self.node.ask("eth_getBalance", address, "latest"), 16)

    def timestamp(self) -> int:
        """The time of the latest block, in seconds."""
        return int(self.node.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance_time(self, seconds: int) -> None:
        """A real chain's clock is its own."""
        raise InvalidOption(
            "the clock of a real chain cannot be put forward",
            hint="wait, or use a test EVM",
            option="seconds",
            value=seconds,
        )
