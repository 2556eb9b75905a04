"""Deploying on a real node: plans, keys, being killed at any moment, and a bad line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_account import Account
from sklearn.naive_bayes import MultinomialNB

from dcai_compile import Compiled, compile_model, load_artifact
from dcai_compile.chain.accounts import open_signer
from dcai_compile.chain.attach import attach
from dcai_compile.chain.deployer import (
    CREATE2_DEPLOYER,
    check_deployment,
    create_address,
    deploy_artifact,
    plan_steps,
)
from dcai_compile.chain.journal import journal_path, read_journal
from dcai_compile.chain.node import Node
from dcai_compile.chain.plan import plan_deployment
from dcai_compile.chain.transactions import Transactions
from dcai_compile.errors import (
    ArtifactInvalid,
    ChainError,
    DcaiError,
    DeploymentMismatch,
    InputInvalid,
    InvalidOption,
)
from dcai_compile.solc import compile_standard
from tests import models, systems
from tests.anvil import KEYS, running_anvil
from tests.faulty_node import FAULTS, SENDS, Proxy, faulty_node

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


@pytest.fixture
def fresh_chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


def transactions(url: str, key: str | None = KEYS[0], **options: Any) -> Transactions:
    node = Node(url)
    environ = {} if key is None else {"DCAI_PRIVATE_KEY": key}
    return Transactions(node, open_signer(node, environ=environ), **options)


def in_data_contracts() -> Compiled:
    """A model whose base is in two data contracts."""
    return models.large_sparse()


SYSTEMS = {
    "fused": lambda: systems.system("fused"),
    "modular": lambda: systems.system("modular"),
    "data contracts": in_data_contracts,
}


@pytest.mark.parametrize("key", [KEYS[0], None], ids=["key", "node"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_deployment(chain: str, tmp_path: Path, name: str, key: str | None) -> None:
    compiled = SYSTEMS[name]()
    folder = compiled.save(tmp_path / "model")
    sending = transactions(chain, key)
    plan = plan_deployment(folder, compiled, sending)
    before = sending.mined_nonce()
    journal = deploy_artifact(folder, compiled, sending)
    sent = sending.mined_nonce() - before
    assert sent == sum(step.gas_used > 0 for step in journal.steps) <= len(plan.steps)
    for planned, step in zip(plan.steps, journal.steps, strict=True):
        assert step.done and step.gas_used <= 16_777_216
        if step.gas_used:
            assert abs(step.gas_used - planned.gas) < 0.05 * planned.gas + 1_000
    # Once more changes nothing, and costs nothing.
    assert deploy_artifact(folder, compiled, sending).addresses == journal.addresses
    assert sending.mined_nonce() == before + sent
    assert plan_deployment(folder, compiled, sending).open_steps == 0
    # All of it is found again from the address alone.
    known = compiled.trainer or compiled.main
    found = attach(folder, Node(chain), journal.addresses[known.name])
    assert found.addresses == journal.addresses
    assert attach(folder, Node(chain)).addresses == journal.addresses


def test_data_contracts_are_paid_for_once_on_a_chain(fresh_chain: str, tmp_path: Path) -> None:
    compiled = in_data_contracts()
    folders = [compiled.save(tmp_path / name) for name in ("one", "two")]
    journals = [
        deploy_artifact(folder, compiled, transactions(fresh_chain, key))
        for folder, key in zip(folders, KEYS, strict=True)
    ]
    assert [step.gas_used > 0 for step in journals[0].steps] == [True, True, True]
    assert [step.gas_used > 0 for step in journals[1].steps] == [False, False, True]
    bases = [[a for n, a in j.addresses.items() if n != "Large"] for j in journals]
    assert bases[0] == bases[1]


def test_without_the_usual_deployer_plain_creation_does(fresh_chain: str, tmp_path: Path) -> None:
    node = Node(fresh_chain)
    node.ask("anvil_setCode", CREATE2_DEPLOYER, "0x")
    compiled = in_data_contracts()
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(fresh_chain))
    assert [step.kind for step in journal.steps] == ["create"] * 3
    assert attach(folder, node).predict(np.eye(4200)[[0]]).shape == (1,)


def test_what_explorers_and_dcais_client_need(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(chain))
    records = journal.path.with_suffix("")
    arguments = json.loads((records / "constructor-arguments.json").read_text())
    output = compile_standard(json.loads((folder / "standard-input.json").read_text()))
    node = Node(chain)
    for contract in compiled.contracts:
        (path,) = [path for path, found in output["contracts"].items() if contract.name in found]
        built = output["contracts"][path][contract.name]["evm"]["bytecode"]["object"]
        assert bytes.fromhex(built) == contract.initcode
        record = json.loads((records / f"{contract.name}.json").read_text())
        assert record["networks"] == {"31337": {"address": journal.addresses[contract.name]}}
        # Creation code and arguments together create exactly what stands there.
        data = "0x" + built + arguments[contract.name]
        created = node.ask("eth_call", {"from": journal.sender, "data": data}, "latest")
        assert created == node.ask("eth_getCode", journal.addresses[contract.name], "latest")


# Accounts


def test_a_key_is_found_and_never_shown(chain: str, tmp_path: Path) -> None:
    node = Node(chain)
    keystore = tmp_path / "key.json"
    keystore.write_text(json.dumps(Account.encrypt(KEYS[1], "open sesame", iterations=2)))
    address = str(Account.from_key(KEYS[1]).address)
    for environ, ask in (
        ({"DCAI_PASSWORD": "open sesame"}, None),
        ({}, lambda text: "open sesame"),
    ):
        signer = open_signer(node, keystore=keystore, environ=environ, ask_password=ask)
        assert signer.address == address
        assert KEYS[1][2:] not in repr(signer)
    secrets = [KEYS[1][2:], "open sesame", "closed sesame", "0123456789abcdef"]
    for keystore_, environ in (
        (keystore, {"DCAI_PASSWORD": "closed sesame"}),
        (keystore, {}),
        (tmp_path / "nothing.json", {}),
        (None, {"DCAI_PRIVATE_KEY": "0123456789abcdef"}),
    ):
        with pytest.raises(InputInvalid) as caught:
            open_signer(node, keystore=keystore_, environ=environ)
        shown = f"{caught.value} {caught.value!r} {caught.value.__cause__}"
        assert not any(secret in shown for secret in secrets)
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(chain, KEYS[1]))
    assert KEYS[1][2:] not in journal.path.read_text()


def test_the_nodes_own_accounts(chain: str) -> None:
    node = Node(chain)
    first, second = node.ask("eth_accounts")[:2]
    assert open_signer(node, environ={}).address.lower() == first.lower()
    for name in ("1", second):
        assert open_signer(node, account=name, environ={}).address.lower() == second.lower()
    for name in ("99", "0x" + "11" * 20, "me"):
        with pytest.raises(InvalidOption, match="holds no account"):
            open_signer(node, account=name, environ={})


# What stands there


def test_something_else_is_refused_before_anything_is_sent(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(chain))
    other = systems.system("fused", title="another one")
    elsewhere = other.save(tmp_path / "other")
    modular = systems.system("modular").save(tmp_path / "modular")
    node = Node(chain)
    address = journal.addresses["Words"]
    for path, at, named in (
        (folder, "0x" + "12" * 20, "no contract"),
        (elsewhere, address, "other code"),
        (modular, address, ""),
        (folder, CREATE2_DEPLOYER, "other code"),
    ):
        with pytest.raises(DeploymentMismatch, match=named):
            attach(path, node, at)
    for at in ("Words", "0x12"):
        with pytest.raises(InvalidOption, match="no address"):
            attach(folder, node, at)
    with pytest.raises(InvalidOption, match="not deployed on chain"):
        attach(elsewhere, node)
    # The same code with another price in it is another contract.
    code = node.ask("eth_getCode", address, "latest")
    size = -(-systems.COST_WEIGHT.bit_length() // 8)
    price = systems.COST_WEIGHT.to_bytes(size, "big").hex()
    assert price in code
    cheaper = code.replace(price, (systems.COST_WEIGHT - 1).to_bytes(size, "big").hex())
    node.ask("anvil_setCode", address, cheaper)
    with pytest.raises(DeploymentMismatch, match="other code"):
        attach(folder, node, address)
    node.ask("anvil_setCode", address, code)
    attach(folder, node, address)


def test_parts_of_another_owner_are_refused(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(chain))
    node = Node(chain)
    slot = node.ask("eth_getStorageAt", journal.addresses["Words"], "0x0", "latest")
    node.ask("anvil_setStorageAt", journal.addresses["Words"], "0x0", "0x" + "00" * 12 + "11" * 20)
    with pytest.raises(DeploymentMismatch, match="not owned by CollaborativeTrainer64"):
        check_deployment(compiled, journal.addresses, node)
    node.ask("anvil_setStorageAt", journal.addresses["Words"], "0x0", slot)
    check_deployment(compiled, journal.addresses, node)


def test_journals_of_something_else_are_refused(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    deploy_artifact(folder, compiled, transactions(chain))
    with pytest.raises(DeploymentMismatch, match="another account"):
        deploy_artifact(folder, compiled, transactions(chain, KEYS[1]))
    systems.system("fused", title="changed").save(folder)
    with pytest.raises(DeploymentMismatch, match="another artifact"):
        deploy_artifact(folder, load_artifact(folder), transactions(chain))
    path = journal_path(folder, 31337)
    path.write_text(path.read_text()[:100])
    with pytest.raises(ArtifactInvalid, match="cannot be read"):
        deploy_artifact(folder, load_artifact(folder), transactions(chain))


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 1 << 40])
def test_addresses_of_created_contracts(nonce: int) -> None:
    from eth_utils.address import to_checksum_address
    from eth_utils.crypto import keccak
    from rlp import encode

    sender = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    packed = encode([bytes.fromhex(sender[2:]), nonce])
    assert create_address(sender, nonce) == to_checksum_address(keccak(packed)[12:])


# Killed


def deploy_in_a_child(compiled: Compiled, folder: Path, url: str, key: str | None) -> int:
    """The process id of a child that deploys; 0 is its good end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            deploy_artifact(folder, compiled, transactions(url, key))
            status = 0
        finally:
            os._exit(status)
    return child


WAYS = ("go on", "another price", "changed")
"""How the next run differs; what was changed is refused, and then put back."""


def kill_at(
    proxy: Proxy, compiled: Compiled, folder: Path, key: str | None, number: int, when: str
) -> None:
    """Deploy through the proxy, and kill the deployer before or after the node sees a send."""
    sends = [0]
    child = [0]
    born = threading.Event()

    def hook(moment: str, method: str) -> None:
        if method not in SENDS:
            return
        sends[0] += moment == "before"
        if sends[0] == number and moment == when:
            born.wait()
            os.kill(child[0], signal.SIGKILL)
            if moment == "before":
                raise ConnectionAbortedError("the node never sees it")

    proxy.before = lambda method: hook("before", method)
    proxy.after = lambda method: hook("after", method)
    child[0] = deploy_in_a_child(compiled, folder, proxy.url, key)
    born.set()
    _, status = os.waitpid(child[0], 0)
    assert os.WIFSIGNALED(status), "it was not killed"
    proxy.before = proxy.after = lambda method: None


@pytest.mark.parametrize("key", [KEYS[0], None], ids=["key", "node"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_killed_at_any_moment_it_goes_on(
    fresh_chain: str, tmp_path: Path, name: str, key: str | None, record_property: Any
) -> None:
    """Every send, before and after, x go on, go on at another price, the artifact changed."""
    # From a folder, as a command has it; saved and read once, and copied for every time it is killed.
    saved = SYSTEMS[name]().save(tmp_path / "saved")
    changed = systems.system("fused", title="changed meanwhile").save(tmp_path / "changed")
    compiled = load_artifact(saved)
    node = Node(fresh_chain)
    sends = len(plan_steps(compiled, has_deployer=True))
    table = ["".ljust(20) + "".join(f"{how:>20}" for how in WAYS)]
    with faulty_node(fresh_chain) as proxy:
        for number in range(1, sends + 1):
            for when in ("before", "after"):
                table.append(f"killed {when:>6} send {number}")
                for how in WAYS:
                    snapshot = node.ask("evm_snapshot")
                    label = f"{number} {when} {how}".replace(" ", "-")
                    folder = copied(saved, tmp_path / label)
                    before = transactions(fresh_chain, key).mined_nonce()
                    kill_at(proxy, compiled, folder, key, number, when)
                    if how == "changed":
                        refuse_changed(copied(changed, folder), proxy.url, key)
                        copied(saved, folder)
                    price = 50 * 10**9 if how == "another price" else None
                    sending = transactions(proxy.url, key, max_fee=price)
                    journal = deploy_artifact(folder, compiled, sending)
                    assert read_journal(journal.path).addresses == journal.addresses
                    check_deployment(compiled, journal.addresses, node)
                    paid = transactions(fresh_chain, key).mined_nonce() - before
                    assert paid == sends, (number, when, how)
                    table[-1] += f"{f'{paid} paid of {sends}':>20}"
                    node.ask("evm_revert", snapshot)
    record_property("table", "\n".join(table))
    assert len(table) == 1 + sends * 2


def copied(artifact: Path, folder: Path) -> Path:
    """The same artifact in the place of whatever `folder` is."""
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(artifact, folder))


def refuse_changed(folder: Path, url: str, key: str | None) -> None:
    """Another artifact in the same folder is not gone on with, and the journal stays."""
    before = journal_path(folder, 31337).read_text()
    with pytest.raises(DeploymentMismatch, match="another artifact"):
        deploy_artifact(folder, load_artifact(folder), transactions(url, key))
    assert journal_path(folder, 31337).read_text() == before


def test_a_transaction_that_waits_is_replaced_at_a_higher_price(
    fresh_chain: str, tmp_path: Path
) -> None:
    node = Node(fresh_chain)
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    node.ask("evm_setAutomine", False)
    waiting = transactions(fresh_chain, max_fee=2 * 10**9)
    waiting.timeout = 0.5
    with pytest.raises(ChainError, match="is not mined") as caught:
        deploy_artifact(folder, compiled, waiting)
    assert "--max-fee" in caught.value.hint
    higher = transactions(fresh_chain, max_fee=9 * 10**9)
    timer = threading.Timer(0.5, lambda: node.ask("evm_mine"))
    timer.start()
    journal = deploy_artifact(folder, compiled, higher)
    timer.join()
    (step,) = journal.steps
    assert len(step.order.raw) == 2
    assert higher.mined_nonce() == 1
    assert higher.next_nonce() == 1


def test_a_refused_creation_is_told_and_gone_on_with(fresh_chain: str, tmp_path: Path) -> None:
    """A data contract that is another one when the main contract checks it."""
    node = Node(fresh_chain)
    compiled = in_data_contracts()
    folder = compiled.save(tmp_path / "model")
    sending = transactions(fresh_chain)
    with faulty_node(fresh_chain) as proxy:
        seen = [0]

        def vanish(method: str) -> None:
            seen[0] += method in SENDS
            if method == "eth_estimateGas" and seen[0] == 2:
                step = read_journal(journal_path(folder, 31337)).steps[0]
                node.ask("anvil_setCode", step.address, "0x6000")

        proxy.before = vanish
        with pytest.raises(ChainError, match=r"Large cannot be created.*BaseMismatch"):
            deploy_artifact(folder, compiled, transactions(proxy.url))
    base = read_journal(journal_path(folder, 31337)).steps[0].address
    node.ask("anvil_setCode", base, "0x" + compiled.contracts[0].runtime.hex())
    journal = deploy_artifact(folder, compiled, sending)
    check_deployment(compiled, journal.addresses, node)


# A bad line


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_bad_line_leaves_nothing_half_done(
    fresh_chain: str, tmp_path: Path, fault: str, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcai_compile.chain.node.PAUSES", (0.01, 0.02, 0.05, 0.1))
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    with faulty_node(fresh_chain) as proxy:
        proxy.fault, proxy.every = fault, every
        for _ in range(6):
            try:
                journal = deploy_artifact(folder, compiled, transactions(proxy.url))
                break
            except DcaiError as error:
                assert error.hint
        else:
            pytest.fail("it never came through")
        assert proxy.met > 0
    check_deployment(compiled, journal.addresses, Node(fresh_chain))
    # One transaction a step, whatever happened to the answers.
    assert transactions(fresh_chain).mined_nonce() == len(journal.steps)


def test_a_reorganisation_is_noticed_and_mended(fresh_chain: str, tmp_path: Path) -> None:
    node = Node(fresh_chain)
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    snapshot = node.ask("evm_snapshot")
    first = deploy_artifact(folder, compiled, transactions(fresh_chain))
    node.ask("evm_revert", snapshot)  # the chain forgets all of it
    with pytest.raises(DeploymentMismatch, match="no code"):
        attach(folder, node)
    again = deploy_artifact(folder, compiled, transactions(fresh_chain))
    assert again.addresses == first.addresses
    attach(folder, node)


def test_a_node_that_is_not_there() -> None:
    started = time.monotonic()
    with pytest.raises(ChainError, match="does not answer"):
        Node("http://127.0.0.1:9").ask("eth_chainId")
    assert time.monotonic() - started < 30


def test_a_large_model_is_deployed_under_every_limit(fresh_chain: str, tmp_path: Path) -> None:
    """20 classes and 3,000 words: many data contracts."""
    rng = np.random.default_rng(0)
    X = rng.poisson(0.01, (100, 3_000))
    y = np.arange(100) % 20
    compiled = compile_model(
        MultinomialNB().fit(X, y), X, name="Many", encoding="indices", incentive=None
    )
    assert len(compiled.contracts) > 3
    folder = compiled.save(tmp_path / "many")
    journal = deploy_artifact(folder, compiled, transactions(fresh_chain))
    assert all(step.gas_used <= 16_777_216 for step in journal.steps)
    found = attach(folder, Node(fresh_chain))
    assert found.predict(X[:5]).tolist() == compiled.mirror.predict(X[:5]).tolist()
