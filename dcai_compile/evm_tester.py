"""The test EVM `eth-tester`: py-evm, set up by eth-tester, driven directly.

Going through web3 and eth-tester's own interface costs more than the EVM does: a call that adds
one to a slot takes 1.6 ms through web3, 1.0 ms through the eth-tester backend and 0.35 ms on
py-evm's state itself; a transaction takes 16 ms, of which 13 ms sign it, check the signature and
store its block, and 3 ms run it. A slot takes 550, 260 and 1 microseconds. What is left out is
encoding and cryptography, nothing of the EVM: transactions run with py-evm's own executor, in
blocks of py-evm's own chain, from senders that need not sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eth.exceptions import Revert, VMError
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_tester import PyEVMBackend
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.exceptions import ValidationError

from dcai_compile.errors import InvalidOption
from dcai_compile.evm import (
    ACCOUNTS,
    BLOCK_GAS,
    CALL_GAS,
    GENESIS_TIME,
    TX_GAS,
    CallResult,
    Deployed,
    Log,
    deploy_failed,
    floor_gas,
    refused,
    seconds_ahead,
)

__all__ = ["TesterEvm"]

_VM: dict[str, type[CancunVM]] = {"cancun": CancunVM, "prague": PragueVM}

# What py-evm raises for a transaction that cannot be in a block; initcode that is too long is,
# oddly, an out-of-gas error before anything has run.
_REFUSED = (ValidationError, VMError)

_CREATE = b""  # py-evm's `to` of a transaction that creates a contract
_NO_COINBASE = bytes(20)


class TesterEvm:
    """py-evm with the accounts, clock and blocks that `dcai_compile.evm` describes."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    name = "eth-tester"

    def __init__(self, fork: str = "cancun") -> None:
        if fork not in _VM:
            raise InvalidOption(
                f"eth-tester does not stand at the fork {fork!r}",
                hint=f"use one of: {', '.join(_VM)}",
                option="fork",
                value=fork,
            )
        # A base fee of zero stays zero in blocks that are less than half full, so gas is free.
        genesis = PyEVMBackend.generate_genesis_params(
            {"gas_limit": BLOCK_GAS, "timestamp": GENESIS_TIME}
        )
        genesis["base_fee_per_gas"] = 0
        backend = PyEVMBackend(genesis, vm_configuration=((0, _VM[fork]),))
        self.accounts: tuple[str, ...] = ACCOUNTS
        # py-evm's types end here: its API is typed, but not for what is done with it below.
        self._chain: Any = backend.chain
        self._has_floor = fork == "prague"
        self._ahead = 0
        self._past: list[Log] = []
        self._look_at_latest_block()

    def call(self, to: str, data: bytes, *, sender: str | None = None) -> CallResult:
        """Ask without changing anything (eth_call). A revert is a result."""
        state = self._vm.state
        transaction = self._transaction(
            self._vm, sender, to_canonical_address(to), data, 0, CALL_GAS
        )
        snapshot = state.snapshot()
        try:
            computation = state.apply_transaction(transaction)
        except _REFUSED as error:
            raise refused(self.name, str(error)) from None
        finally:
            state.revert(snapshot)
        return self._result(transaction, computation)

    def send(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0
    ) -> CallResult:
        """Send a transaction with `value` wei, and mine it. A revert is a result."""
        return self._mine(sender, to_canonical_address(to), data, value)[0]

    def deploy(self, initcode: bytes, *, sender: str | None = None) -> Deployed:
        """Create a contract; ChainError, with the revert data, when that fails."""
        result, computation = self._mine(sender, _CREATE, initcode, 0)
        if not result.success:
            raise deploy_failed(self.name, type(computation.error).__name__, result.output)
        return Deployed(to_checksum_address(computation.msg.storage_address), result.gas_used)

    def logs(self, address: str) -> list[Log]:
        """Every event that the contract at `address` has emitted, in order."""
        return [log for log in self._past if log.address == address]

    def storage(self, address: str, slot: int) -> int:
        """The value of one storage slot."""
        return int(self._vm.state.get_storage(to_canonical_address(address), slot))

    def storage_many(self, address: str, slots: Sequence[int]) -> list[int]:
        """The values of many storage slots, in the order asked."""
        account = to_canonical_address(address)
        return [self._vm.state.get_storage(account, slot) for slot in slots]

    def code(self, address: str) -> bytes:
        """The runtime code at `address`, empty if there is none."""
        return bytes(self._vm.state.get_code(to_canonical_address(address)))

    def put_code(self, address: str, code: bytes) -> None:
        """Let `code` stand at `address`, as if it had always been there."""
        self._put(lambda state: state.set_code(to_canonical_address(address), code))

    def put_nonce(self, address: str, nonce: int) -> None:
        """Let `nonce` be that of the account's next transaction."""
        self._put(lambda state: state.set_nonce(to_canonical_address(address), nonce))

    def put_storage(self, address: str, words: Mapping[int, int]) -> None:
        """Let storage slots hold these values, as if they had always done so."""
        account = to_canonical_address(address)

        def put(state: Any) -> None:
            for slot, value in words.items():
                state.set_storage(account, slot, value)

        self._put(put)

    def _put(self, change: Callable[[Any], None]) -> None:
        """Mine a block in which the state is another."""
        chain = self._chain
        vm = chain.get_vm(chain.header)
        change(vm.state)
        vm.state.persist()
        chain.header = chain.header.copy(state_root=vm.state.state_root)
        chain.mine_block(coinbase=_NO_COINBASE)
        self._look_at_latest_block()

    def balance(self, address: str) -> int:
        """The balance of `address` in wei."""
        return int(self._vm.state.get_balance(to_canonical_address(address)))

    def timestamp(self) -> int:
        """The time of the latest block, in seconds."""
        return int(self._vm.state.timestamp)

    def advance_time(self, seconds: int) -> None:
        """Let the next transaction's block be `seconds` after the latest one."""
        self._ahead += seconds_ahead(seconds)

    def _look_at_latest_block(self) -> None:
        """Keep one machine at the latest block: to build it anew takes longer than a call."""
        self._vm: Any = self._chain.get_vm(self._chain.get_canonical_head())

    def _transaction(
        self, vm: Any, sender: str | None, to: bytes, data: bytes, value: int, gas: int
    ) -> Any:
        account = to_canonical_address(sender or ACCOUNTS[0])
        unsigned = vm.create_unsigned_transaction(
            nonce=vm.state.get_nonce(account),
            gas_price=0,
            gas=gas,
            to=to,
            value=value,
            data=data,
        )
        return SpoofTransaction(unsigned, from_=account)

    def _mine(
        self, sender: str | None, to: bytes, data: bytes, value: int
    ) -> tuple[CallResult, Any]:
        """Run a transaction in the next block, whose state is what it leaves.

        The block is mined without the transaction in its body, which would have to be signed.
        """
        # py-evm charges the floor, but does not ask for gas that covers it.
        if self._has_floor and floor_gas(data) > TX_GAS:
            raise refused(self.name, f"{len(data)} bytes of data cost more than {TX_GAS} gas")
        chain = self._chain
        time = self.timestamp() + max(1, self._ahead)
        header = chain.header.copy(timestamp=time)
        vm = chain.get_vm(header)
        transaction = self._transaction(vm, sender, to, data, value, TX_GAS)
        try:
            computation = vm.state.apply_transaction(transaction)
        except _REFUSED as error:
            raise refused(self.name, str(error)) from None
        vm.state.persist()
        chain.header = header.copy(state_root=vm.state.state_root)
        chain.mine_block(coinbase=_NO_COINBASE)
        self._look_at_latest_block()
        self._ahead = 0
        result = self._result(transaction, computation, logs=True)
        self._past.extend(result.logs)
        return result, computation

    def _result(self, transaction: Any, computation: Any, *, logs: bool = False) -> CallResult:
        gas_used = self._vm.finalize_gas_used(transaction, computation)
        if computation.is_success:
            entries = computation.get_log_entries() if logs else ()
            return CallResult(True, bytes(computation.output), gas_used, tuple(map(_log, entries)))
        reverted = isinstance(computation.error, Revert)
        return CallResult(False, bytes(computation.output) if reverted else b"", gas_used)


def _log(entry: tuple[bytes, Sequence[int], bytes]) -> Log:
    address, topics, data = entry
    words = tuple(topic.to_bytes(32, "big") for topic in topics)
    return Log(to_checksum_address(address), words, bytes(data))
