"""The test EVM `revm`: pyrevm, in process.

pyrevm 0.3.7 keeps one open journal for ever: what one message call has warmed, written or left
in transient storage, the next one sees, and the original values that SSTORE is priced by stay
those of the first. So nothing is ever left in the journal here. Each call and transaction runs
between a snapshot and its reversion, which empties the journal again; what a transaction changed
is read out of the journal before that, and put into the database below it afterwards, where
it is cold, committed state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyrevm
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from dcai_compile import abi
from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import (
    ACCOUNTS,
    BLOCK_GAS,
    CALL_GAS,
    CHAIN_ID,
    FUNDS,
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

__all__ = ["RevmEvm"]

# pyrevm's name of each fork. It knows "Cancun" and takes every other spelling, "CANCUN" as well
# as "nonsense", silently for its latest rules, so a name goes through this table or nowhere. Its
# "Prague" adds nothing to Cancun that we use, and lacks the calldata floor, which we add.
_SPEC = {"cancun": "Cancun", "prague": "Cancun"}

# The module's stub lacks arguments that the module takes.
_revm: Any = pyrevm

# A write, in the debug text of revm's journal; a mere read has `had_value: None`.
_WRITE = re.compile(r"StorageChange \{ address: (0x[0-9a-f]{40}), key: (\d+), had_value: Some")

# revm pads analysed code with this many zero bytes, and pyrevm hands the padding out.
_CODE_PADDING = 33


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a transaction leaves: accounts by address, and (address, slot, value)."""

    accounts: Mapping[str, Any]
    slots: Sequence[tuple[str, int, int]]


_NOTHING = _Changes({}, ())


class RevmEvm:
    """pyrevm with the accounts, clock and blocks that `dcai_compile.evm` describes."""

    name = "revm"

    def __init__(self, fork: str = "cancun") -> None:
        if fork not in _SPEC:
            raise InvalidOption(
                f"revm does not stand at the fork {fork!r}",
                hint=f"use one of: {', '.join(_SPEC)}",
                option="fork",
                value=fork,
            )
        self.accounts: tuple[str, ...] = ACCOUNTS
        self._has_floor = fork == "prague"
        self._evm = _revm.EVM(
            env=_revm.Env(cfg=_revm.CfgEnv(chain_id=CHAIN_ID)),
            gas_limit=BLOCK_GAS,
            spec_id=_SPEC[fork],
        )
        for account in ACCOUNTS:
            self._evm.insert_account_info(account, _revm.AccountInfo(balance=FUNDS))
        self._number = 0
        self._time = GENESIS_TIME
        self._ahead = 0
        self._past: list[Log] = []
        self._set_block(self._number, self._time)

    def call(self, to: str, data: bytes, *, sender: str | None = None) -> CallResult:
        """Ask without changing anything (eth_call). A revert is a result."""
        evm = self._evm
        checkpoint = evm.snapshot()
        try:
            output = evm.message_call(sender or ACCOUNTS[0], to, data, None, CALL_GAS)
            return CallResult(True, output, self._gas_used(data))
        except RuntimeError as error:
            return self._failure(error, data)
        finally:
            evm.revert(checkpoint)

    def send(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0
    ) -> CallResult:
        """Send a transaction with `value` wei, and mine it. A revert is a result."""
        sender = sender or ACCOUNTS[0]
        changes = _NOTHING
        with self._next_block(data), self._scratch():
            try:
                output = self._evm.message_call(sender, to, data, value, TX_GAS)
                result = CallResult(True, output, self._gas_used(data), self._logs())
                changes = self._changes()
            except RuntimeError as error:
                result = self._failure(error, data)
        self._commit(changes)
        self._past.extend(result.logs)
        # A message call leaves the nonce alone; a transaction counts it up, reverted or not.
        self._count_nonce(sender)
        return result

    def deploy(self, initcode: bytes, *, sender: str | None = None) -> Deployed:
        """Create a contract; ChainError, with the revert data, when that fails."""
        sender = sender or ACCOUNTS[0]
        changes, failure, reason = _NOTHING, None, ""
        logs: tuple[Log, ...] = ()
        with self._next_block(initcode), self._scratch():
            try:
                address = self._evm.deploy(sender, initcode, None, TX_GAS)
                gas_used = self._gas_used(initcode)
                logs = self._logs()
                changes = self._changes()
            except RuntimeError as error:
                failure = self._failure(error, initcode)
                reason = self._evm.result.reason
        if failure is not None:
            self._count_nonce(sender)
            raise deploy_failed(self.name, reason, failure.output)
        self._commit(changes)
        self._past.extend(logs)
        return Deployed(to_checksum_address(address), gas_used)

    def logs(self, address: str) -> list[Log]:
        """Every event that the contract at `address` has emitted, in order."""
        return [log for log in self._past if log.address == address]

    def storage(self, address: str, slot: int) -> int:
        """The value of one storage slot."""
        return self.storage_many(address, (slot,))[0]

    def storage_many(self, address: str, slots: Sequence[int]) -> list[int]:
        """The values of many storage slots, in the order asked."""
        with self._scratch():
            return [self._evm.storage(address, slot) for slot in slots]

    def code(self, address: str) -> bytes:
        """The runtime code at `address`, empty if there is none."""
        with self._scratch():
            account = self._evm.basic(address)
        code = bytes(account.code or b"")
        for length in (len(code) - _CODE_PADDING, len(code)):
            if length >= 0 and keccak(code[:length]) == bytes(account.code_hash):
                return code[:length]
        return b""

    def put_code(self, address: str, code: bytes) -> None:
        """Let `code` stand at `address`, as if it had always been there."""
        self._evm.insert_account_info(address, _revm.AccountInfo(nonce=1, code=code))

    def put_nonce(self, address: str, nonce: int) -> None:
        """Let `nonce` be that of the account's next transaction."""
        self._evm.insert_account_info(
            address, _revm.AccountInfo(balance=self.balance(address), nonce=nonce)
        )

    def put_storage(self, address: str, words: Mapping[int, int]) -> None:
        """Let storage slots hold these values, as if they had always done so."""
        for slot, value in words.items():
            with self._scratch():
                self._evm.insert_account_storage(address, slot, value)

    def balance(self, address: str) -> int:
        """The balance of `address` in wei."""
        with self._scratch():
            return int(self._evm.get_balance(address))

    def timestamp(self) -> int:
        """The time of the latest block, in seconds."""
        return self._time

    def advance_time(self, seconds: int) -> None:
        """Let the next transaction's block be `seconds` after the latest one."""
        self._ahead += seconds_ahead(seconds)

    @contextmanager
    def _scratch(self) -> Iterator[None]:
        """A journal that is empty again afterwards: what ran inside has not happened."""
        checkpoint = self._evm.snapshot()
        try:
            yield
        finally:
            self._evm.revert(checkpoint)

    @contextmanager
    def _next_block(self, data: bytes) -> Iterator[None]:
        """Run inside the next block, which stays unless the transaction is refused."""
        if self._has_floor and floor_gas(data) > TX_GAS:
            raise refused(self.name, f"{len(data)} bytes of data cost more than {TX_GAS} gas")
        time = self._time + max(1, self._ahead)
        self._set_block(self._number + 1, time)
        try:
            yield
        except BaseException:
            self._set_block(self._number, self._time)
            raise
        self._number, self._time, self._ahead = self._number + 1, time, 0

    def _set_block(self, number: int, time: int) -> None:
        block = _revm.BlockEnv(number=number, timestamp=time, prevrandao=bytes(32))
        self._evm.set_block_env(block)

    def _gas_used(self, data: bytes) -> int:
        """The gas of the transaction that just ran, intrinsic gas and refund included."""
        gas: int = self._evm.result.gas_used
        return max(gas, floor_gas(data)) if self._has_floor else gas

    def _failure(self, error: RuntimeError, data: bytes) -> CallResult:
        """What a revert or a halt leaves. pyrevm has the revert data in its error's text only."""
        text = str(error)
        if self._evm.result is None:  # it never ran
            raise refused(self.name, text) from None
        _, _, output = text.partition("Revert { gas_used: ")[2].partition("output: 0x")
        return CallResult(False, bytes.fromhex(output.rstrip(" }")), self._gas_used(data))

    def _logs(self) -> tuple[Log, ...]:
        return tuple(
            Log(abi.checksummed(log.address), tuple(map(bytes, log.data[0])), log.data[1])
            for log in self._evm.result.logs
        )

    def _changes(self) -> _Changes:
        """The accounts that the transaction touched and the slots that it wrote."""
        journal = self._evm.journal_str
        if "AccountDestroyed" in journal:
            raise ChainError(
                "a contract destroyed itself in the transaction that created it, which the "
                "test EVM revm does not reproduce",
                hint="run this on eth-tester",
            )
        written = {(address, int(slot)) for address, slot in _WRITE.findall(journal)}
        slots = [(address, slot, self._evm.storage(address, slot)) for address, slot in written]
        return _Changes(self._evm.journal_state, slots)

    def _commit(self, changes: _Changes) -> None:
        # The accounts come with their analysed code: handed raw code, revm would analyse it again
        # in every call (18 of 22 microseconds, for a full contract).
        for address, account in changes.accounts.items():
            self._evm.insert_account_info(address, account)
        # One scratch a slot: into the database goes only a slot of an account that is not in the
        # journal, and the call itself loads the account there.
        for address, slot, value in changes.slots:
            with self._scratch():
                self._evm.insert_account_storage(address, slot, value)

    def _count_nonce(self, sender: str) -> None:
        with self._scratch():
            account = self._evm.basic(sender)
        counted = _revm.AccountInfo(balance=account.balance, nonce=account.nonce + 1)
        self._evm.insert_account_info(sender, counted)
