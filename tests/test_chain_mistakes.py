"""On a chain: what was undone or taken meanwhile, bad files and options, and odd answers of a node."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from sklearn.datasets import dump_svmlight_file
from typer.testing import CliRunner, Result
from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from websockets.sync.server import serve

from dcai_compile.chain.accounts import open_signer
from dcai_compile.chain.attach import attach
from dcai_compile.chain.audit import audit
from dcai_compile.chain.claims import reports
from dcai_compile.chain.deployer import (
    CREATE2_DEPLOYER,
    check_deployment,
    deploy_artifact,
    has_deployer,
)
from dcai_compile.chain.journal import alone, journal_path, read_journal
from dcai_compile.chain.node import Node, _provider
from dcai_compile.chain.plan import plan_deployment
from dcai_compile.chain.pull import pulled
from dcai_compile.chain.transactions import Transactions, current_fees
from dcai_compile.chain.verify import verify_deployed
from dcai_compile.cli import app
from dcai_compile.errors import ArtifactInvalid, ChainError, DcaiError, InputInvalid, InvalidOption
from dcai_compile.folder import load_artifact
from tests import models, systems
from tests.anvil import KEYS, pass_time, running_anvil
from tests.faulty_node import faulty_node

pytestmark = pytest.mark.node

runner = CliRunner()


@pytest.fixture
def chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


@pytest.fixture(scope="module")
def shared_chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


def transactions(url: str, key: str | None = KEYS[0], **options: Any) -> Transactions:
    node = Node(url)
    environ = {} if key is None else {"DCAI_PRIVATE_KEY": key}
    return Transactions(node, open_signer(node, environ=environ), **options)


def pass_by(url: str, count: int) -> None:
    """Transactions of the same account that have nothing to do with a deployment."""
    node = Node(url)
    account = node.ask("eth_accounts")[0]
    for _ in range(count):
        node.ask("eth_sendTransaction", {"from": account, "to": account, "value": "0x1"})


def run(*words: str) -> Result:
    return runner.invoke(app, list(words))


def in_words(result: Result, code: int = 2) -> dict[str, Any]:
    """The one JSON object of a command that has refused."""
    assert result.exit_code == code, (result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


# Deploying


def test_a_chain_that_starts_anew_is_deployed_on_anew(chain: str, tmp_path: Path) -> None:
    """The account's nonces are others, so that every address is another."""
    node = Node(chain)
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    snapshot = node.ask("evm_snapshot")
    pass_by(chain, 3)
    first = deploy_artifact(folder, compiled, transactions(chain))
    node.ask("evm_revert", snapshot)
    again = deploy_artifact(folder, compiled, transactions(chain))
    assert again.addresses != first.addresses
    check_deployment(compiled, again.addresses, node)
    assert attach(folder, node).addresses == again.addresses


@pytest.mark.parametrize("key", [KEYS[0], None], ids=["key", "node"])
@pytest.mark.parametrize("layout", systems.LAYOUTS)
def test_another_contract_has_taken_the_nonce(
    chain: str, tmp_path: Path, layout: str, key: str | None
) -> None:
    """Stopped before the node saw it, and the account creates something else meanwhile."""
    compiled = systems.system(layout)
    folder = compiled.save(tmp_path / "model")
    with faulty_node(chain) as proxy:
        proxy.before = _refuse_to_send
        with pytest.raises(DcaiError):
            deploy_artifact(folder, compiled, transactions(proxy.url, key))
    other = systems.system("fused", title="another one")
    deploy_artifact(other.save(tmp_path / "other"), other, transactions(chain, key))
    journal = deploy_artifact(folder, compiled, transactions(chain, key))
    check_deployment(compiled, journal.addresses, Node(chain))


def _refuse_to_send(method: str) -> None:
    if method in ("eth_sendTransaction", "eth_sendRawTransaction"):
        raise ConnectionAbortedError("the node never sees it")


def test_the_plan_is_what_the_chain_shows(chain: str, tmp_path: Path) -> None:
    """Whatever a journal says of a chain that has forgotten it: nothing is sent unasked."""
    node = Node(chain)
    compiled = systems.system("modular")
    folder = compiled.save(tmp_path / "model")
    snapshot = node.ask("evm_snapshot")
    deploy_artifact(folder, compiled, transactions(chain))
    assert plan_deployment(folder, compiled, transactions(chain)).open_steps == 0
    node.ask("evm_revert", snapshot)
    plan = plan_deployment(folder, compiled, transactions(chain))
    assert plan.open_steps == len(plan.steps)
    facts = in_words(run("deploy", str(folder), "--rpc", chain, "--json"))
    assert facts["sent"] is False
    assert transactions(chain).mined_nonce() == 0


def test_a_folder_has_one_journal_however_it_is_named(
    chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = systems.system("fused").save(tmp_path / "model")
    (folder / "deeper").mkdir()
    first = run("deploy", str(folder), "--rpc", chain, "--yes", "--json")
    for place, name in ((folder, "."), (folder / "deeper", ".."), (tmp_path, "model/")):
        monkeypatch.chdir(place)
        again = run("deploy", name, "--rpc", chain, "--yes", "--json")
        assert json.loads(again.stdout)["address"] == json.loads(first.stdout)["address"]
    assert Node(chain).ask("eth_blockNumber") == "0x1"


def test_a_contract_of_another_name_in_the_same_folder(shared_chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    deploy_artifact(folder, compiled, transactions(shared_chain))
    systems.system("fused", name="Terms").save(folder)
    facts = in_words(run("status", str(folder), "--rpc", shared_chain, "--json"))
    assert facts["error"] == "DeploymentMismatch" and "Terms" in facts["message"]


@pytest.mark.parametrize("text", ["null", "[]", "3", "{}", '{"schema": 1, "steps": [1]}', "\xff"])
def test_journals_that_cannot_be_read(shared_chain: str, tmp_path: Path, text: str) -> None:
    folder = systems.system("fused").save(tmp_path / "model")
    path = journal_path(folder, 31337)
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    for verb in ("deploy", "status"):
        facts = in_words(run(verb, str(folder), "--rpc", shared_chain, "--json"))
        assert facts["error"] == "ArtifactInvalid"


def test_a_journal_of_another_chain_is_refused(shared_chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    journal = deploy_artifact(folder, compiled, transactions(shared_chain))
    text = journal.path.read_text()
    journal.path.write_text(text.replace('"chain_id": 31337', '"chain_id": 1'))
    with pytest.raises(ArtifactInvalid, match="chain 1"):
        read_journal(journal.path)


def test_a_journal_that_cannot_be_written(shared_chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    (tmp_path / "model.deployments").write_text("in the way")
    sending = transactions(shared_chain)
    before = sending.next_nonce()
    facts = in_words(run("deploy", str(folder), "--rpc", shared_chain, "--yes", "--json"))
    assert "cannot be" in facts["message"]
    assert sending.next_nonce() == before


# Odd answers

ODD: tuple[Any, ...] = (
    None,
    {},
    [],
    "?",
    {"result": None},
    {"result": "0x"},
    {"result": "0xzz"},
    {"result": "0x123"},
    {"result": 7},
    {"result": {}},
    {"result": []},
    {"result": [{}]},
    {"result": "0x" + "ff" * 32},
    {"error": None},
    {"error": "no"},
    {"error": {"message": None}},
    {"error": {"code": 3, "message": "execution reverted", "data": "0x123"}},
    {"error": {"code": 3, "message": "execution reverted", "data": {"data": 1}}},
    {"error": {"code": 3, "message": "execution reverted", "data": "0x"}},
)


class OddProvider(JSONBaseProvider):
    """The `number`-th request to `method` is answered with `odd`, and those behind it too."""

    def __init__(self, line: JSONBaseProvider, method: str, odd: Any, number: int) -> None:
        super().__init__()
        self.line = line
        self.method, self.odd, self.left, self.met = method, odd, number, 0

    def _meets(self, method: str) -> bool:
        if method != self.method:
            return False
        self.left -= 1
        self.met += self.left < 0
        return self.left < 0

    def make_request(self, method: Any, params: Any) -> Any:
        answer = self.line.make_request(method, params)
        return self.odd if self._meets(method) else answer

    def make_batch_request(self, requests: Any) -> Any:
        answers: Any = self.line.make_batch_request(requests)
        if any([self._meets(method) for method, _ in requests]):
            return self.odd if self.left % 2 else [*answers[1:], self.odd]
        return answers


METHODS = (
    "eth_accounts",
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getStorageAt",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_sendRawTransaction",
)


@pytest.mark.parametrize("method", METHODS)
def test_odd_answers_are_told_in_words(
    method: str, chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a node says, nobody sees an exception of Python."""
    monkeypatch.setattr("dcai_compile.chain.node.PAUSES", ())
    monkeypatch.setattr("dcai_compile.chain.transactions.TIMEOUT", 0.2)
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    elsewhere = compiled.save(tmp_path / "other")
    deploy_artifact(folder, compiled, transactions(chain))
    signer = transactions(chain).signer
    lesson = attach(folder, Node(chain), signer=signer).add_encoded([4, 5], 1)
    # Thousands of answers of one node about one folder: over a WebSocket, which has no overhead, and
    # the folder is read once.
    line = _provider(chain.replace("http", "ws"))
    monkeypatch.setattr("dcai_compile.chain.attach.load_artifact", cache(load_artifact))
    met = 0
    verbs: tuple[Callable[[Node], Any], ...] = (
        lambda node: audit(attach(folder, node), np.eye(8), systems.LABELS),
        lambda node: verify_deployed(attach(folder, node), node, np.eye(8)),
        lambda node: attach(folder, node, signer=signer).add_encoded([4], 1),
        lambda node: reports(attach(folder, node, signer=signer), lesson.author),
        lambda node: open_signer(node, environ={}),
        lambda node: deploy_artifact(elsewhere, compiled, Transactions(node, signer)),
    )
    for number, odd, do in itertools.product((0, 2), ODD, verbs):
        provider = OddProvider(line, method, odd, number)
        with contextlib.suppress(DcaiError):
            do(Node.of_provider(provider))
        met += provider.met
        shutil.rmtree(tmp_path / "other.deployments", ignore_errors=True)
    assert met


def test_late_and_repeated_answers_on_a_websocket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request gets its own answer, also on a line that was opened anew."""
    monkeypatch.setattr("dcai_compile.chain.node.TIMEOUT", 0.3)
    seen = []

    def handle(connection: Any) -> None:
        for text in connection:
            request = json.loads(text)
            seen.append(request["method"])
            answer = json.dumps({"id": request["id"], "result": hex(len(seen))})
            if len(seen) == 2:
                time.sleep(0.5)  # too late
            for _ in range(3):
                connection.send(answer)
            if len(seen) == 4:
                return  # and the line is cut

    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        node = Node(f"ws://127.0.0.1:{server.socket.getsockname()[1]}")
        answers = [node.ask("eth_blockNumber") for _ in range(5)]
        server.shutdown()
    assert answers == ["0x1", "0x3", "0x4", "0x5", "0x6"]


def test_what_nodes_word_in_their_own_ways(chain: str) -> None:
    class Odd(OddProvider):
        def make_request(self, method: Any, params: Any) -> Any:
            if method == "eth_accounts":
                return {"error": {"code": -32601, "message": "Unsupported method: eth_accounts"}}
            return {**super().make_request(method, params), "error": None}

    node = Node.of_provider(Odd(_provider(chain), "", None, 0))
    assert node.ask("eth_chainId") == "0x7a69"
    with pytest.raises(ChainError, match="holds no account"):
        open_signer(node, environ={})
    with pytest.raises(ChainError):
        Node("http://[::1")


# Meanwhile


@pytest.mark.parametrize("layout", systems.LAYOUTS)
def test_contributions_in_the_middle_of_an_audit(layout: str) -> None:
    """The chain is ahead then, and nothing is wrong with it."""
    system = systems.fresh(layout, model="bayes")
    storage_many = system.evm.storage_many
    left = [0]

    def meanwhile(address: str, slots: Any) -> list[int]:
        if left[0]:
            left[0] -= 1
            system.wait(3600)
            system.add_encoded([4, 5], left[0] % 2)
        return storage_many(address, slots)

    system.evm.storage_many = meanwhile  # type: ignore[method-assign]
    left[0] = 2
    result = audit(system, np.eye(8), systems.LABELS)
    assert result.parameters_equal and [row.number for row in result.rows] == [1, 2]
    left[0] = 2
    assert pulled(system)[1] == 4
    # What no contribution explains is still found.
    system.evm.storage_many = lambda address, slots: [7] * len(slots)  # type: ignore[method-assign]
    assert not audit(system, np.eye(8), systems.LABELS).parameters_equal


def test_contributions_in_the_middle_of_a_verification(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused", model="bayes")
    folder = compiled.save(tmp_path / "model")
    deploy_artifact(folder, compiled, transactions(chain))
    teacher = attach(folder, Node(chain), signer=transactions(chain).signer)
    left = [2]

    class Busy(Node):
        def ask_many(self, requests: Any) -> list[Any]:
            if left[0]:
                left[0] -= 1
                teacher.add_encoded([4, 5], left[0] % 2)
            return super().ask_many(requests)

    node = Busy(chain)
    report = verify_deployed(attach(folder, node), node, np.eye(8))
    assert report.passed and report.contributions == 2


# Accounts, options and files


def test_who_signs_is_who_is_named(shared_chain: str, tmp_path: Path) -> None:
    node = Node(shared_chain)
    named = node.ask("eth_accounts")[1]
    signer = open_signer(node, account="1", environ={"DCAI_PRIVATE_KEY": KEYS[0]})
    assert signer.address.lower() == named.lower()
    with pytest.raises(InvalidOption, match="two accounts"):
        open_signer(node, account="1", keystore=tmp_path / "key.json", environ={})


def test_a_key_in_the_wrong_place_is_not_repeated(shared_chain: str, tmp_path: Path) -> None:
    folder = systems.system("fused").save(tmp_path / "model")
    for key in (KEYS[1], KEYS[1][2:]):
        for words in (
            ["deploy", str(folder), "--account", key],
            ["status", str(folder), "--address", key],
        ):
            result = run(*words, "--rpc", shared_chain)
            assert result.exit_code == 2 and KEYS[1][2:] not in result.output
        with pytest.raises(InvalidOption) as caught:
            open_signer(Node(shared_chain), account=key, environ={})
        assert KEYS[1][2:] not in repr(caught.value)


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "3", "{}", '{"crypto": 1, "version": 3}'])
def test_keystores_that_are_none(shared_chain: str, tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(InputInvalid, match="cannot be decrypted"):
        open_signer(Node(shared_chain), keystore=path, environ={"DCAI_PASSWORD": "x"})


@pytest.mark.parametrize("price", ["inf", "0", "1e300"])
def test_prices_that_are_none(shared_chain: str, tmp_path: Path, price: str) -> None:
    folder = systems.system("fused").save(tmp_path / "model")
    words = ["deploy", str(folder), "--rpc", shared_chain, "--json", "--max-fee", price]
    assert "max-fee" in in_words(run(*words))["message"]


def test_the_price_of_an_old_chain_is_no_higher_than_asked(shared_chain: str) -> None:
    class Old(Node):
        def ask(self, method: str, *params: Any) -> Any:
            if method == "eth_gasPrice":
                return hex(10)
            answer = super().ask(method, *params)
            return {"timestamp": "0x1"} if method == "eth_getBlockByNumber" else answer

    for most, paid in ((None, 10), (20, 10), (3, 3), (0, 0)):
        assert current_fees(Old(shared_chain), most).fields() == {"gasPrice": paid}


def test_files_that_cannot_be_written(shared_chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    deploy_artifact(folder, compiled, transactions(shared_chain))
    np.savez(tmp_path / "test.npz", X=np.eye(8), y=systems.LABELS)
    at = [str(folder), "--rpc", shared_chain, "--json"]
    (tmp_path / "file").write_text("")
    for place in ("nowhere", "file"):
        for option in ("--csv", "--chart"):
            words = ["audit", *at, "--test", str(tmp_path / "test.npz")]
            facts = in_words(run(*words, option, str(tmp_path / place / "audit")))
            assert "cannot be written" in facts["message"]
        facts = in_words(run("pull", *at, "--out", str(tmp_path / place / "model.skops")))
        assert "cannot be written" in facts["message"]


# Teaching


@pytest.fixture
def deployed(chain: str, tmp_path: Path) -> list[str]:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    deploy_artifact(folder, compiled, transactions(chain))
    np.savez(tmp_path / "good.npz", X=np.eye(8), y=systems.LABELS)
    return [str(folder), "--rpc", chain, "--json"]


def test_the_quote_is_for_all_lessons(deployed: list[str], tmp_path: Path) -> None:
    """The first is cheap after a quiet day; those behind it are not."""
    node = Node(deployed[2])
    pass_time(node, 86_400)
    data = ["--data", str(tmp_path / "good.npz")]
    quoted = in_words(run("add-data", *deployed, *data))
    assert quoted["in all at most"] > 100 * quoted["deposit"]
    before = int(node.ask("eth_getBalance", node.ask("eth_accounts")[0], "latest"), 16)
    added = json.loads(run("add-data", *deployed, *data, "--yes").stdout)["added"]
    after = int(node.ask("eth_getBalance", node.ask("eth_accounts")[0], "latest"), 16)
    paid = sum(lesson["deposit"] for lesson in added)
    assert len(added) == 8 and paid <= quoted["in all at most"] and before - after >= paid
    limited = in_words(run("add-data", *deployed, *data, "--max-cost", "7"))
    assert limited["in all at most"] == 8 * 7


def test_stopped_in_the_middle_it_goes_on_with_skip(
    deployed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcai_compile.chain.node.PAUSES", ())
    sent = []

    def cut(method: str) -> None:
        sent.append(method)
        if sent.count("eth_sendTransaction") == 4:
            raise ConnectionAbortedError("the node never sees it")

    with faulty_node(deployed[2]) as proxy:
        proxy.before = cut
        words = ["add-data", deployed[0], "--rpc", proxy.url, "--json", "--yes"]
        words += ["--data", str(tmp_path / "good.npz")]
        facts = in_words(run(*words))
        assert "3 of 8 lessons were added" in facts["message"]
        assert "--skip 3" in facts["hint"]
        proxy.before = lambda method: None
        assert len(json.loads(run(*words, "--skip", "3").stdout)["added"]) == 5
    found = attach(deployed[0], Node(deployed[2])).contributions()
    assert sorted(lesson.data[0] for lesson in found) == list(range(8))


@pytest.mark.parametrize("labels", [[0, 1], [0] * 9, [[0]] * 8, 0])
def test_labels_that_do_not_fit_the_samples(
    labels: Any, deployed: list[str], tmp_path: Path
) -> None:
    np.savez(tmp_path / "bad.npz", X=np.eye(8), y=labels)
    np.savez(tmp_path / "none.npz", X=np.eye(8)[:0], y=[])
    for name in ("bad", "none"):
        data = ["--data", str(tmp_path / f"{name}.npz")]
        for words in (["predict", *data], ["add-data", "--yes", *data], ["verify", *data]):
            assert in_words(run(words[0], *deployed, *words[1:]))["error"] == "InputInvalid"
    assert attach(deployed[0], Node(deployed[2])).contributions() == []


def test_the_accuracy_with_labels_of_another_type(deployed: list[str], tmp_path: Path) -> None:
    path = tmp_path / "test.svmlight"
    dump_svmlight_file(np.eye(8), np.array(systems.LABELS), str(path))
    assert json.loads(run("predict", *deployed, "--data", str(path)).stdout)["accuracy"] == 1.0


# Other nodes


@pytest.mark.parametrize("code", ["0x6000", "0x60016000526001601ff3"])
def test_something_else_at_the_deployers_address(chain: str, tmp_path: Path, code: str) -> None:
    node = Node(chain)
    assert has_deployer(node)
    node.ask("anvil_setCode", CREATE2_DEPLOYER, code)
    compiled = models.large_sparse()
    folder = compiled.save(tmp_path / "model")
    assert {step.kind for step in plan_deployment(folder, compiled, transactions(chain)).steps} == {
        "create"
    }
    journal = deploy_artifact(folder, compiled, transactions(chain))
    check_deployment(compiled, journal.addresses, node)


@pytest.mark.parametrize("limit", [1, 3])
def test_nodes_that_take_small_batches_only(shared_chain: str, limit: int) -> None:
    class Small(HTTPProvider):
        def make_batch_request(self, requests: Any) -> Any:
            if len(requests) > limit:
                return {"error": {"code": -32600, "message": "batch too large"}}
            return super().make_batch_request(requests)

    requests: list[tuple[str, list[Any]]] = [
        ("eth_getStorageAt", ["0x" + "11" * 20, hex(slot), "latest"]) for slot in range(10)
    ]
    found = Node.of_provider(Small(shared_chain)).ask_many(requests)
    assert found == Node(shared_chain).ask_many(requests) and len(found) == 10


def test_a_replacement_raises_all_that_nodes_compare(chain: str, tmp_path: Path) -> None:
    """They want a tenth more of the tip as well as of the fee in all."""
    node = Node(chain)
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    node.ask("evm_setAutomine", False)
    for price in (2, 9):
        waiting = transactions(chain, max_fee=price * 10**9)
        waiting.timeout = 0.2
        with pytest.raises(ChainError, match="is not mined"):
            deploy_artifact(folder, compiled, waiting)
    (step,) = read_journal(journal_path(folder, 31337)).steps
    first, second = (TypedTransaction.from_bytes(HexBytes(raw)).as_dict() for raw in step.order.raw)
    for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert second[name] * 10 >= first[name] * 11
    assert second["maxPriorityFeePerGas"] <= second["maxFeePerGas"] == 9 * 10**9


def test_two_deployments_of_one_folder_do_not_run_at_once(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "model")
    with alone(journal_path(folder, 31337)), pytest.raises(ArtifactInvalid, match="in use"):
        deploy_artifact(folder, compiled, transactions(chain))
    assert Node(chain).ask("eth_blockNumber") == "0x0"
    deploy_artifact(folder, compiled, transactions(chain))
