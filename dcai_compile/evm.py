"""Test EVMs behind one small interface: run a contract without a chain, or on a node.

Three backends, chosen by `open_evms`:

- ``revm``: pyrevm, in process. Every transaction in some microseconds.
- ``eth-tester``: py-evm, pure Python. Slow, and an independent second opinion.
- an ``http(s)://`` or ``ws(s)://`` URL: a node with unlocked accounts, such as anvil.

The first two are set up alike, so that one sequence of calls has one result on both, down to
addresses, gas, balances and timestamps: the same funded accounts, the same clock, one block a
transaction, a gas price of zero, one named fork.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, runtime_checkable

from dcai_compile.errors import ChainError, InvalidOption

__all__ = [
    "FORKS",
    "CallResult",
    "Deployed",
    "Evm",
    "LocalEvm",
    "Log",
    "fastest_evm",
    "open_evms",
]

FORKS = ("cancun", "prague")
"""The forks a test EVM can stand at. They differ, for us, in Prague's calldata floor."""

DEFAULT_FORK = "cancun"
"""What generated code targets unless asked: a run at this fork proves it needs nothing newer."""

TX_GAS = 16_777_216
"""The gas of every transaction: the most that mainnet takes in one (EIP-7825)."""

CALL_GAS = 500_000_000
"""The gas of every `call`, in which a model may be read that no transaction could afford."""

BLOCK_GAS = 1_000_000_000
"""The block gas limit of the test EVMs: room for a call beside a transaction."""

CHAIN_ID = 131277322940537
"""eth-tester's, which cannot be set; the other test EVM takes it over."""

GENESIS_TIME = 1_700_000_000
"""A fixed start of the clock, so that runs repeat."""

FUNDS = 1_000_000 * 10**18
"""The wei in each test account."""

# The accounts of the private keys 1 to 10, which are eth-tester's.
ACCOUNTS = (
    "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF",
    "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69",
    "0x1efF47bc3a10a45D4B230B5d10E37751FE6AA718",
    "0xe1AB8145F7E55DC933d51a18c793F901A3A0b276",
    "0xE57bFE9F44b819898F47BF37E5AF72a0783e1141",
    "0xd41c057fd1c78805AAC12B0A94a405c0461A6FBb",
    "0xF1F6619B38A98d6De0800F1DefC0a6399eB6d30C",
    "0xF7Edc8FA1eCc32967F827C9043FcAe6ba73afA5c",
    "0x4CCeBa2d7D2B4fdcE4304d3e09a1fea9fbEb1528",
)


@dataclass(frozen=True, slots=True)
class Log:
    """An event as the chain sees it: who emitted it, its topics (32 bytes each), its data."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a call or a transaction did.

    `output` is the return data, or the revert data when `success` is False; it is empty when
    the EVM stopped without either (out of gas, invalid opcode), and after a successful
    transaction on a node, which does not tell. `gas_used` is what the receipt
    says, intrinsic gas and refunds included; for a call it is what a transaction would have
    used, or 0 where the backend does not tell.
    """

    success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract that was just created: its checksummed address and the transaction's gas."""

    address: str
    gas_used: int


@runtime_checkable
class Evm(Protocol):
    """An EVM with accounts, of which the first is the default sender.

    `deploy` and `send` mine a block each, at least a second after the block before; `call`
    runs on the latest block and changes nothing. Each of the three is a transaction of its own:
    transient storage is empty, and addresses and slots are cold.
    """

    name: str
    accounts: tuple[str, ...]

    def deploy(self, initcode: bytes, *, sender: str | None = None) -> Deployed:
        """Create a contract.

        Raises ChainError, which carries the revert data, when the constructor fails or code
        (24,576 bytes) or initcode (49,152) is over its limit.
        """

    def call(self, to: str, data: bytes, *, sender: str | None = None) -> CallResult:
        """Ask without changing anything (eth_call). A revert is a result."""

    def send(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0
    ) -> CallResult:
        """Send a transaction with `value` wei, and mine it. A revert is a result.

        Raises ChainError where a node would not accept it, for instance without the funds.
        """

    def logs(self, address: str) -> list[Log]:
        """Every event that the contract at `address` has emitted, in order."""

    def storage(self, address: str, slot: int) -> int:
        """The value of one storage slot."""

    def storage_many(self, address: str, slots: Sequence[int]) -> list[int]:
        """The values of many storage slots, in the order asked."""

    def code(self, address: str) -> bytes:
        """The runtime code at `address`, empty if there is none."""

    def balance(self, address: str) -> int:
        """The balance of `address` in wei."""

    def timestamp(self) -> int:
        """The time of the latest block, in seconds."""

    def advance_time(self, seconds: int) -> None:
        """Let the next transaction's block be `seconds` after the latest one."""


class LocalEvm(Evm, Protocol):
    """An EVM in this process, of which everything can be set."""

    def put_code(self, address: str, code: bytes) -> None:
        """Let `code` stand at `address`, as if it had always been there."""

    def put_nonce(self, address: str, nonce: int) -> None:
        """Let `nonce` be that of the account's next transaction."""

    def put_storage(self, address: str, words: Mapping[int, int]) -> None:
        """Let storage slots hold these values, as if they had always done so."""


def open_evms(selector: str = "auto", *, fork: str = DEFAULT_FORK) -> tuple[Evm, ...]:
    """Open fresh test EVMs, or connect to a node.

    `selector`: ``auto`` is revm where pyrevm is installed, then eth-tester; ``revm``;
    ``eth-tester``; or a node's URL. `fork` is one of `FORKS`; a node keeps its own.

    Raises InvalidOption for any other selector or fork, ChainError for a backend that is not
    installed and for a node that does not answer.
    """
    if fork not in FORKS:
        raise InvalidOption(
            f"no test EVM stands at the fork {fork!r}",
            hint=f"use one of: {', '.join(FORKS)}",
            option="fork",
            value=fork,
        )
    if selector.startswith(("http://", "https://", "ws://", "wss://")):
        from dcai_compile.evm_web3 import RpcEvm

        return (RpcEvm(selector),)
    if selector == "auto":
        present = [name for name in ("revm", "eth-tester") if _installed(name)]
        return tuple(_open(name, fork) for name in present or ["eth-tester"])
    if selector in _MODULES:
        return (_open(selector, fork),)
    raise InvalidOption(
        f"there is no test EVM called {selector!r}",
        hint="use auto, revm, eth-tester, or the http(s):// or ws(s):// URL of a node",
        option="evm",
        value=selector,
    )


def fastest_evm(fork: str = DEFAULT_FORK) -> LocalEvm:
    """A fresh test EVM, revm where it is installed, at one of `FORKS`."""
    return _open("revm" if _installed("revm") else "eth-tester", fork)


# What each backend imports, and the requirement that installs it.
_MODULES = {
    "revm": (("pyrevm",), "pyrevm==0.3.7"),
    "eth-tester": (("eth_tester", "eth"), '"eth-tester[py-evm]"'),
}


def _installed(name: str) -> bool:
    modules, _ = _MODULES[name]
    return all(find_spec(module) is not None for module in modules)


def _open(name: str, fork: str) -> LocalEvm:
    # Imported here: a backend that nobody asked for need not be installed, nor loaded.
    if not _installed(name):
        _, requirement = _MODULES[name]
        raise ChainError(
            f"the test EVM {name} is not installed",
            hint=f"pip install {requirement}, or choose another EVM",
        )
    if name == "revm":
        from dcai_compile.evm_revm import RevmEvm

        return RevmEvm(fork)
    from dcai_compile.evm_tester import TesterEvm

    return TesterEvm(fork)


def seconds_ahead(seconds: int) -> int:
    """`seconds`, if a clock can be put forward by that much."""
    if seconds < 0:
        raise InvalidOption(
            f"the clock cannot be put back by {-seconds} s",
            hint="give a number of seconds from 0 on",
            option="seconds",
            value=seconds,
        )
    return seconds


def deploy_failed(evm: str, reason: str, output: bytes) -> ChainError:
    """The ChainError of a deployment that `evm` ran and that failed with this revert data."""
    revert = f", revert data 0x{output.hex()}" if output else ""
    return ChainError(
        f"the contract could not be created on {evm}: {reason}{revert}",
        hint="look the first four bytes of the revert data up in the contract's errors"
        if output
        else "check the constructor's arguments, and the code's size against 24,576 bytes",
        revert_data=output,
    )


def refused(evm: str, reason: str) -> ChainError:
    """The ChainError of a transaction that `evm` would not even run."""
    return ChainError(
        f"{evm} refused the transaction: {reason}",
        hint="check the sender, its funds, and the sizes of data and code",
    )


def floor_gas(data: bytes) -> int:
    """What a transaction with this calldata costs at least from Prague on (EIP-7623).

    Ten gas a token over the base of 21,000; a zero byte is one token, any other four.
    """
    return 21_000 + 10 * (4 * len(data) - 3 * data.count(0))
