"""Putting a compiled system on a test EVM: every contract in order, then the owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_abi.abi import encode

from dcai_compile import abi
from dcai_compile.errors import ChainError
from dcai_compile.evm import Evm, fastest_evm

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled, Contract

UNUSED_NONCE = 1 << 40

TRANSFER_OWNERSHIP = abi.selector("transferOwnership(address)")


@dataclass(frozen=True)
class Placed:
    """A system on a chain.

    Attributes
    ----------
    addresses : of each contract, by name.
    gas_by_step : gas of each transaction, by name and whether it was the hand-over.
    """

    addresses: Mapping[str, str]
    gas_by_step: Mapping[tuple[str, bool], int]

    @property
    def gas_used(self) -> int:
        """Of all transactions together."""
        return sum(self.gas_by_step.values())


def place(compiled: Compiled, evm: Evm, *, sender: str | None = None) -> Placed:
    """Deploy every contract and hand each over to its owner. Raises `ChainError` in words."""
    addresses: dict[str, str] = {}
    gas: dict[tuple[str, bool], int] = {}
    for contract in compiled.contracts:
        initcode = contract.initcode + encode_arguments(contract, addresses)
        try:
            deployed = evm.deploy(initcode, sender=sender)
        except ChainError as error:
            reason = abi.describe_revert(error.revert_data, contract.abi)
            raise ChainError(
                f"{contract.name} cannot be deployed: {error.message}: {reason}",
                hint=error.hint,
                revert_data=error.revert_data,
            ) from None
        addresses[contract.name] = deployed.address
        gas[contract.name, False] = deployed.gas_used
    for contract in compiled.contracts:
        if contract.owner:
            to = abi.word(int(addresses[contract.owner], 16))
            result = evm.send(addresses[contract.name], TRANSFER_OWNERSHIP + to, sender=sender)
            if not result.success:
                reason = abi.describe_revert(result.output, contract.abi)
                raise ChainError(f"{contract.name} cannot be handed over: {reason}")
            gas[contract.name, True] = result.gas_used
    return Placed(addresses, gas)


def expected_code(
    contracts: Sequence[Contract], addresses: Mapping[str, str], sender: str | None = None
) -> dict[str, bytes]:
    """The code that must stand at `addresses`, by contract name, immutables filled in.

    `contracts` are a system's, or its first ones. Found by running every constructor on a test EVM
    on which the contracts before it stand at the same addresses. `sender` is the account that
    deployed them, which parts keep in their code.
    """
    evm = fastest_evm()
    # Where this account has never created anything, nor what stands at `addresses`.
    evm.put_nonce(sender or evm.accounts[0], UNUSED_NONCE)
    code: dict[str, bytes] = {}
    for contract in contracts:
        initcode = contract.initcode + encode_arguments(contract, addresses)
        code[contract.name] = evm.code(evm.deploy(initcode, sender=sender).address)
        evm.put_code(addresses[contract.name], code[contract.name])
    return code


def encode_arguments(contract: Contract, addresses: Mapping[str, str]) -> bytes:
    """The constructor's arguments, with the addresses of the contracts deployed before."""
    values = [
        addresses[argument.value] if argument.is_contract else argument.value
        for argument in contract.arguments
    ]
    return encode([argument.type for argument in contract.arguments], values)
