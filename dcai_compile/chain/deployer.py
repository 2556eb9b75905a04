"""Deploying an artifact: every contract in its own transaction, resumable at any moment.

Each step is carried out at most once, since it keeps its nonce (an account's transactions have one
each) and is looked up before it is sent: data contracts by their code at the address that CREATE2
gives them, others at the address that account and nonce give them, a hand-over by who the owner is.
The contract that takes money comes last, and checks the code of its data contracts itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from dcai_compile import abi
from dcai_compile._cache import write_atomically
from dcai_compile.artifact import Compiled, Contract
from dcai_compile.chain.journal import Journal, Step, alone, journal_path, open_journal
from dcai_compile.chain.node import Node, hex_bytes
from dcai_compile.chain.transactions import Order, Transactions
from dcai_compile.deploy import TRANSFER_OWNERSHIP, encode_arguments, expected_code
from dcai_compile.errors import ArtifactInvalid, ChainError, DeploymentMismatch
from dcai_compile.folder import artifact_digest, truffle_artifact

CREATE2_DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""The usual deployer contract: salt and creation code in, CREATE2 out.
Source: https://github.com/Arachnid/deterministic-deployment-proxy"""

CREATE2_DEPLOYER_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234"
    "f58015156039578182fd5b8082525050506014600cf3"
)
SALT = bytes(32)
OWNER = abi.selector("owner()")
DEPLOYER = abi.selector("deployer()")

Tell = Callable[[str, int, int], None]


def deploy_artifact(
    folder: Path,
    compiled: Compiled,
    transactions: Transactions,
    *,
    tell: Tell | None = None,
) -> Journal:
    """Deploy, or go on where an earlier run was stopped; returns the finished journal.

    Raises `ChainError` (run it again to go on), `DeploymentMismatch`, `ArtifactInvalid`.
    """
    with alone(journal_path(folder, transactions.chain_id)):
        return _deploy(folder, compiled, transactions, tell)


def _deploy(
    folder: Path, compiled: Compiled, transactions: Transactions, tell: Tell | None
) -> Journal:
    digest = artifact_digest(folder)
    journal = open_journal(folder, digest, transactions.chain_id, transactions.signer.address)
    if not journal.steps:
        journal.steps = plan_steps(compiled, has_deployer(transactions.node))
        journal.save()
    for number, step in enumerate(journal.steps):
        _prepare(step, compiled, journal)
        if not _is_done(step, transactions, compiled, journal):
            try:
                _carry_out(step, transactions, journal)
            except ChainError as error:
                raise _in_words(error, step, compiled) from None
        step.done = True
        journal.save()
        if tell is not None:
            tell("transactions", number + 1, len(journal.steps))
    check_deployment(compiled, journal.addresses, transactions.node)
    _write_records(compiled, journal)
    return journal


def _write_records(compiled: Compiled, journal: Journal) -> None:
    """Beside the journal, what block explorers and DCAI's client ask for. Raises `ArtifactInvalid`."""
    try:
        _write_files(compiled, journal)
    except OSError as error:
        raise ArtifactInvalid(
            f"all is deployed, but what explorers ask for cannot be written: {error}",
            hint="mend that, and run the same command again: nothing is sent twice",
            path=str(journal.path.parent),
        ) from None


def _write_files(compiled: Compiled, journal: Journal) -> None:
    folder = journal.path.with_suffix("")
    arguments = {
        contract.name: encode_arguments(contract, journal.addresses).hex()
        for contract in compiled.contracts
    }
    text = json.dumps(arguments, indent=1) + "\n"
    write_atomically(folder / "constructor-arguments.json", text.encode())
    for contract in compiled.contracts:
        record = truffle_artifact(contract)
        record["networks"] = {str(journal.chain_id): {"address": journal.addresses[contract.name]}}
        text = json.dumps(record, indent=1, sort_keys=True) + "\n"
        write_atomically(folder / f"{contract.name}.json", text.encode())


def has_deployer(node: Node) -> bool:
    """Whether the usual deployer contract, and nothing else, stands at its address."""
    return code_at(node, CREATE2_DEPLOYER) == CREATE2_DEPLOYER_CODE


def plan_steps(compiled: Compiled, has_deployer: bool) -> list[Step]:
    """The transactions of a deployment, in order."""
    bases = {part.name for part in compiled.sources.data_contracts}
    kinds = {
        contract.name: "create2" if contract.name in bases and has_deployer else "create"
        for contract in compiled.contracts
    }
    steps = [Step(name, kind, Order(None, b"")) for name, kind in kinds.items()]
    owned = [contract.name for contract in compiled.contracts if contract.owner]
    return steps + [Step(name, "transfer", Order(None, b"")) for name in owned]


def steps_done(compiled: Compiled, transactions: Transactions, journal: Journal) -> list[bool]:
    """Which steps of a journal the chain shows to have happened; nothing is sent or written.

    Behind a creation that has not happened only contracts with addresses of their own count.
    """
    found: list[bool] = []
    created = True
    for step in journal.steps:
        done = False
        if created or step.kind == "create2":
            _prepare(step, compiled, journal)
            done = _is_done(step, transactions, compiled, journal)
        created = created and (done or step.kind != "create")
        found.append(done)
    return found


def _prepare(step: Step, compiled: Compiled, journal: Journal) -> None:
    """Fill in what the transaction does, now that the addresses before it are known."""
    contract = _contract(compiled, step.name)
    order = step.order
    if step.kind == "transfer":
        step.address = journal.addresses[step.name]
        to = int(journal.addresses[contract.owner], 16)
        order.to, order.data = step.address, TRANSFER_OWNERSHIP + abi.word(to)
        return
    initcode = contract.initcode + encode_arguments(contract, journal.addresses)
    if step.kind == "create2":
        order.to, order.data = CREATE2_DEPLOYER, SALT + initcode
        step.address = create2_address(initcode)
    else:
        order.to, order.data = None, initcode
        if order.nonce is not None:
            step.address = create_address(journal.sender, order.nonce)


def _is_done(step: Step, transactions: Transactions, compiled: Compiled, journal: Journal) -> bool:
    """Whether the chain shows that it has happened, whoever sent it."""
    node = transactions.node
    if step.kind == "transfer":
        contract = _contract(compiled, step.name)
        return owner_of(node, step.address) == journal.addresses[contract.owner]
    found = code_at(node, step.address) if step.address else b""
    if not found or step.kind == "create2":  # whose address is a hash of what it creates
        return bool(found)
    # The account may have created something else with the nonce that was meant for this.
    names = [contract.name for contract in compiled.contracts]
    until = compiled.contracts[: names.index(step.name) + 1]
    expected = expected_code(until, journal.addresses, transactions.signer.address)
    return found == expected[step.name]


def _carry_out(step: Step, transactions: Transactions, journal: Journal) -> None:
    def save() -> None:
        if step.kind == "create" and step.order.nonce is not None:
            step.address = create_address(journal.sender, step.order.nonce)
        journal.save()

    receipt = transactions.carry_out(step.order, save)
    step.gas_used = int(receipt["gasUsed"], 16)
    step.block = int(receipt["blockNumber"], 16)
    if int(receipt["status"], 16) == 0:
        step.order.nonce, step.order.raw, step.address = None, [], ""
        journal.save()
        raise ChainError(
            f"the transaction of {step.name} failed on chain, with {step.gas_used:,} gas",
            hint="nothing stands there half built; run the same command again to try once more",
        )
    save()


def _in_words(error: ChainError, step: Step, compiled: Compiled) -> ChainError:
    """The same error, with what a contract refused it with, where one did."""
    if not error.revert_data:
        return error
    reason = abi.describe_revert(error.revert_data, compiled.errors)
    what = "handed over" if step.kind == "transfer" else "created"
    return ChainError(
        f"{step.name} cannot be {what}: {reason}",
        hint="nothing was sent; mend that, and run the same command again to go on",
        revert_data=error.revert_data,
    )


def check_deployment(compiled: Compiled, addresses: dict[str, str], node: Node) -> None:
    """Compare what stands on chain with the artifact, byte for byte, and the owners.

    Raises `DeploymentMismatch`, before anything is done with it.
    """
    expected = expected_code(compiled.contracts, addresses, _deployer(compiled, addresses, node))
    for contract in compiled.contracts:
        address = addresses[contract.name]
        found = code_at(node, address)
        if found != expected[contract.name]:
            what = "no code" if not found else f"other code (keccak {keccak(found).hex()[:16]}…)"
            raise DeploymentMismatch(
                f"at {address} stands {what}, not {contract.name} of this artifact",
                hint="check address, chain and artifact",
                address=address,
                expected=keccak(expected[contract.name]).hex(),
                found=keccak(found).hex(),
            )
        if contract.owner and owner_of(node, address) != addresses[contract.owner]:
            raise DeploymentMismatch(
                f"{contract.name} at {address} is not owned by {contract.owner}",
                hint="hand it over with transferOwnership, or deploy anew",
                address=address,
                expected=addresses[contract.owner],
                found=owner_of(node, address),
            )


def _deployer(compiled: Compiled, addresses: dict[str, str], node: Node) -> str | None:
    """Who deployed the parts of a modular system, as they say; their code is checked with it."""
    for contract in compiled.contracts:
        if any(entry.get("name") == "deployer" for entry in contract.abi):
            request = {"to": addresses[contract.name], "data": "0x" + DEPLOYER.hex()}
            answer = node.answer("eth_call", request, "latest")
            if "error" not in answer:
                return _address_in(answer["result"]) or None
    return None


def _address_in(output: str) -> str:
    """The address that a call returned as its only value, empty where it returned none."""
    return str(to_checksum_address("0x" + output[-40:])) if len(output) == 66 else ""


def _contract(compiled: Compiled, name: str) -> Contract:
    return next(contract for contract in compiled.contracts if contract.name == name)


def code_at(node: Node, address: str) -> bytes:
    """The code at an address, empty if there is none."""
    return hex_bytes(str(node.ask("eth_getCode", address, "latest")))


def owner_of(node: Node, address: str) -> str:
    """What ``owner()`` of a contract returns, empty where there is none."""
    request = {"to": address, "data": "0x" + OWNER.hex()}
    return _address_in(node.ask("eth_call", request, "latest"))


def create_address(sender: str, nonce: int) -> str:
    """Address of the contract that an account's transaction with this nonce creates."""
    account = bytes.fromhex(sender[2:])
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    if nonce == 0 or nonce > 0x7F:
        number = bytes([0x80 + len(number)]) + number
    payload = b"\x94" + account + number
    return str(to_checksum_address(keccak(bytes([0xC0 + len(payload)]) + payload)[12:]))


def create2_address(initcode: bytes) -> str:
    """Address that the usual deployer contract gives a contract, on every chain."""
    deployer = bytes.fromhex(CREATE2_DEPLOYER[2:])
    return str(to_checksum_address(keccak(b"\xff" + deployer + SALT + keccak(initcode))[12:]))
