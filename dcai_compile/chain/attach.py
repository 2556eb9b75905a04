"""Finding a deployed system again: from its address alone, and only if it is this artifact."""

from __future__ import annotations

from pathlib import Path

from eth_abi.abi import decode
from eth_utils.address import is_address, to_checksum_address

from dcai_compile import abi
from dcai_compile.artifact import Compiled
from dcai_compile.chain.accounts import Signer, hidden
from dcai_compile.chain.chain_evm import ChainEvm
from dcai_compile.chain.deployer import check_deployment, code_at
from dcai_compile.chain.journal import find_journal, journal_path
from dcai_compile.chain.node import Node
from dcai_compile.chain.transactions import Transactions
from dcai_compile.deployment import Deployment
from dcai_compile.errors import DeploymentMismatch, InvalidOption
from dcai_compile.folder import load_artifact
from dcai_compile.system import is_modular


def attach(
    folder: str | Path,
    node: Node,
    address: str | None = None,
    *,
    signer: Signer | None = None,
    max_fee: int | None = None,
) -> Deployment:
    """The system of an artifact at `address`, or where the journal beside it says.

    Raises `DeploymentMismatch`, before anything is sent, where something else stands there;
    `InvalidOption` without an address.
    """
    path = Path(folder)
    compiled = load_artifact(path)
    chain_id = int(node.ask("eth_chainId"), 16)
    journal = journal_path(path, chain_id)
    known = find_journal(journal)
    if address is None:
        if known is None or not all(step.done for step in known.steps):
            raise InvalidOption(
                f"{path} is not deployed on chain {chain_id}, as far as is known here",
                hint="pass --address, or run dcai deploy",
                option="address",
                value=None,
            )
        addresses = known.addresses
        missing = [part.name for part in compiled.contracts if part.name not in addresses]
        if missing:
            raise DeploymentMismatch(
                f"{journal} is of another artifact: it has no {', '.join(missing)}",
                hint="restore the artifact that was deployed, or pass --address",
            )
    else:
        addresses = find_parts(compiled, node, address)
    check_deployment(compiled, addresses, node)
    first = 0
    if known is not None and known.addresses == addresses:
        first = min((step.block for step in known.steps if step.block), default=0)
    transactions = Transactions(node, signer, max_fee=max_fee) if signer is not None else None
    return Deployment(compiled, ChainEvm(node, transactions, first_block=first), addresses)


def find_parts(compiled: Compiled, node: Node, address: str) -> dict[str, str]:
    """Address of each contract of a system, given the one that people know."""
    if not is_address(address):
        raise InvalidOption(
            f"{hidden(address)!r} is no address",
            hint="give 0x and 40 hexadecimal digits",
            option="address",
            value=hidden(address),
        )
    at = str(to_checksum_address(address))
    if not code_at(node, at):
        raise DeploymentMismatch(
            f"no contract stands at {at}",
            hint="check the address, and that the node is of the right chain",
            address=at,
        )
    main = at
    addresses = {}
    if compiled.trainer is not None and is_modular(compiled.options):
        parts = [part.name for part in compiled.contracts if part.owner][1:]
        main = _pointer(compiled, node, at, "classifier()")
        pointers = ("dataHandler()", "incentiveMechanism()")
        for name, pointer in zip(parts, pointers, strict=True):
            addresses[name] = _pointer(compiled, node, at, pointer)
        addresses[compiled.trainer.name] = at
    addresses[compiled.main.name] = main
    for number, part in enumerate(compiled.sources.data_contracts):
        addresses[part.name] = _pointer(compiled, node, main, f"base{number}()")
    return addresses


def _pointer(compiled: Compiled, node: Node, address: str, signature: str) -> str:
    result = ChainEvm(node).call(address, abi.selector(signature))
    if not result.success or len(result.output) != abi.WORD or any(result.output[:12]):
        raise DeploymentMismatch(
            f"the contract at {address} has no {signature}: it is not {compiled.options.name}",
            hint="check address, chain and artifact",
            address=address,
        )
    return str(to_checksum_address(decode(["address"], result.output)[0]))
