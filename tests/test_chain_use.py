"""Using a deployed system from the command line: teach, claim, audit, pull, verify; and a bad line."""

from __future__ import annotations

import contextlib
import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import skops.io
from eth_account import Account
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner
from web3 import EthereumTesterProvider, HTTPProvider, Web3

import dcai_compile
from dcai_compile import compile_model
from dcai_compile.calls import ADD_DATA_TOPIC
from dcai_compile.chain.attach import attach
from dcai_compile.chain.audit import audit, replay
from dcai_compile.chain.chart import audit_chart
from dcai_compile.chain.events import read_events
from dcai_compile.chain.node import BATCH, BATCH_BYTES, Node, batches
from dcai_compile.chain.pull import pulled
from dcai_compile.chain.verify import verify_deployed
from dcai_compile.cli import app
from dcai_compile.deployment import Deployment, deploy
from dcai_compile.errors import (
    DcaiError,
    DeploymentMismatch,
    GasLimitExceeded,
    InvalidOption,
    TransactionRefused,
)
from dcai_compile.evm import open_evms
from dcai_compile.reviews import LABELS, WORDS, reviews
from tests import models, systems
from tests.anvil import KEYS, pass_time, running_anvil
from tests.faulty_node import FAULTS, faulty_node
from tests.test_chain_deploy import deploy_artifact, transactions

pytestmark = pytest.mark.node

runner = CliRunner()
PROGRAM = "from dcai_compile.cli import app; app()"


@pytest.fixture
def chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


def write_reviews(path: Path, count: int, seed: int, wrong: bool = False) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        for text, label in zip(*reviews(count, seed), strict=True):
            writer.writerow([text, LABELS[1 - LABELS.index(label)] if wrong else label])
    return path


@dataclass
class Shop:
    """A compiled review model on a chain, and files to work with."""

    folder: Path
    url: str

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What a command prints as JSON."""
        sends = arguments[0] in ("deploy", "add-data", "refund", "report")
        words = [*arguments, *(["--yes"] if sends else [])]
        result = runner.invoke(app, [*words, "--rpc", self.url, "--json"])
        assert result.exit_code == code, result.output
        facts: dict[str, Any] = json.loads(result.output)
        return facts

    def artifact(self) -> str:
        return str(self.folder / "reviews")


@pytest.fixture(params=systems.LAYOUTS)
def shop(request: Any, chain: str, tmp_path: Path) -> Shop:
    texts, labels = reviews(20, seed=0)
    model = make_pipeline(CountVectorizer(vocabulary=WORDS), MultinomialNB()).fit(texts, labels)
    compiled = compile_model(model, texts, name="Reviews", layout=request.param, refund_wait=60)
    compiled.save(tmp_path / "reviews")
    return Shop(tmp_path, chain)


def test_every_verb_once(shop: Shop) -> None:
    at = shop.artifact()
    good = str(write_reviews(shop.folder / "good.csv", 12, 2))
    bad = str(write_reviews(shop.folder / "bad.csv", 3, 4, wrong=True))
    test = str(write_reviews(shop.folder / "test.csv", 80, 1))
    placed = shop.run("deploy", at)
    assert set(placed["contracts"]) >= {"Reviews"}
    before = shop.run("predict", at, "--data", test)["accuracy"]
    assert len(shop.run("add-data", at, "--data", good, "--account", "1")["added"]) == 12
    shop.run("add-data", at, "--data", bad, "--account", "2")
    early = shop.run("refund", at, "--account", "1")
    assert len(early["open"]) == 12 and early["paid"] == []
    assert all(claim["obstacle"].startswith("TooEarly") for claim in early["open"])
    pass_time(Node(shop.url), 61)
    refunded = shop.run("refund", at, "--account", "1")["paid"]
    assert len(refunded) >= 10
    kept = shop.run("refund", at, "--account", "2")
    taken = shop.run("report", at, "--account", "1")["paid"]
    assert len(kept["paid"]) + len(taken) == 3
    status = shop.run("status", at)
    assert status["contributions"] == 15
    assert status["validated"] == len(refunded) + len(kept["paid"])
    assert len(shop.run("contributions", at)["contributions"]) == 15
    result = shop.run("audit", at, "--test", test)
    assert result["parameters equal"] and result["published"] == before
    assert [row["state"] for row in result["contributions"]].count("refunded") == status[
        "validated"
    ]
    assert shop.run("predict", at, "--data", test)["accuracy"] == result["accuracy"] > before
    pulled_to = shop.folder / "pulled.skops"
    assert shop.run("pull", at, "--out", str(pulled_to))["contributions"] == 15
    unknown = skops.io.get_untrusted_types(file=pulled_to)
    estimator = skops.io.load(pulled_to, trusted=unknown)
    texts, labels = reviews(80, 1)
    assert float(np.mean(estimator.predict(texts) == np.array(labels))) == result["accuracy"]
    report = shop.run("verify", at, "--data", test)
    assert report["passed"] and report["samples"] == 80 and report["contributions"] == 15
    for words in (
        ["status", at, "--address", "0x" + "11" * 20],
        ["refund", at, "--account", "77"],
        ["pull", at, "--out", "model.txt"],
        ["verify", at, "--data", test, "--address", "somewhere"],
    ):
        assert shop.run(*words, code=2)["hint"]


def test_json_never_asks_and_sends_only_with_yes(shop: Shop) -> None:
    at, url = shop.artifact(), ["--rpc", shop.url, "--json"]
    good = str(write_reviews(shop.folder / "good.csv", 2, 2))

    def refused(*words: str) -> dict[str, Any]:
        block = Node(shop.url).ask("eth_blockNumber")
        result = runner.invoke(app, [*words, *url])
        assert result.exit_code == 2
        assert Node(shop.url).ask("eth_blockNumber") == block
        facts: dict[str, Any] = json.loads(result.output)
        assert facts["sent"] is False and "--yes" in facts["hint"]
        return facts

    plan = refused("deploy", at)
    assert plan["gas"] == sum(step["gas"] for step in plan["steps"])
    assert plan["fee"] == plan["gas"] * plan["max fee"]
    shop.run("deploy", at)
    lessons = refused("add-data", at, "--data", good)
    assert lessons["lessons"] == 2 and lessons["max cost"] == lessons["deposit"] > 0
    shop.run("add-data", at, "--data", good)
    pass_time(Node(shop.url), 61)
    assert len(refused("refund", at)["open"]) == 2


def test_what_people_read(shop: Shop) -> None:
    at, url = shop.artifact(), ["--rpc", shop.url]
    good = str(write_reviews(shop.folder / "good.csv", 3, 2))
    refused = runner.invoke(app, ["deploy", at, *url])
    assert refused.exit_code == 2
    assert "Nothing was sent" in refused.output and "gas, at most" in refused.output
    assert Node(shop.url).ask("eth_blockNumber") == "0x0"
    for words, shown in (
        (["deploy", at, "--yes"], "code and owners, to the byte"),
        (["add-data", at, "--data", good, "--yes"], "3 added"),
        (["add-data", at, "--data", good, "--yes", "--max-cost", "1"], "pass a higher max_cost"),
        (["refund", at, "--yes"], "0 claimed"),
        (["status", at], "deposit now"),
        (["contributions", at], "ETH"),
        (["predict", at, "--data", good], "accuracy"),
        (["verify", at, "--data", good], "PARITY HOLDS"),
    ):
        result = runner.invoke(app, [*words, *url])
        assert shown in result.output, result.output
        assert "Traceback" not in result.output
    chart, table = shop.folder / "audit.svg", shop.folder / "audit.csv"
    words = ["audit", at, "--test", good, "--csv", str(table), "--chart", str(chart), *url]
    result = runner.invoke(app, words)
    assert "replayed parameters and the chain's: equal" in result.output
    assert len(list(csv.reader(table.open()))) == 4
    drawing = ElementTree.parse(chart).getroot()
    dots = drawing.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 3 + 3  # contributions, and the legend


def test_two_machines_audit_alike(shop: Shop) -> None:
    at = shop.artifact()
    good = str(write_reviews(shop.folder / "good.csv", 6, 2))
    test = str(write_reviews(shop.folder / "test.csv", 40, 1))
    shop.run("deploy", at)
    shop.run("add-data", at, "--data", good, "--account", "3")
    files = []
    for number, seed in enumerate(("1", "77")):
        names = [str(shop.folder / f"{number}.{kind}") for kind in ("csv", "svg")]
        command = [sys.executable, "-c", PROGRAM, "audit", at, "--test", test]
        command += ["--rpc", shop.url, "--csv", names[0], "--chart", names[1]]
        environment = {"PYTHONHASHSEED": seed, "TZ": "UTC" if number else "Asia/Tokyo"}
        import os

        subprocess.run(
            command, check=True, env={**os.environ, **environment}, capture_output=True, timeout=120
        )
        files.append([Path(name).read_bytes() for name in names])
    assert files[0] == files[1]


# Events


def test_events_from_a_node_that_caps_ranges(shop: Shop) -> None:
    at = shop.artifact()
    shop.run("deploy", at)
    node = Node(shop.url)
    node.ask("anvil_mine", "0x7d0")
    good = str(write_reviews(shop.folder / "good.csv", 2, 2))
    shop.run("add-data", at, "--data", good)
    whole = attach(at, node).contributions()
    assert len(whole) == 2
    address = attach(at, node).address
    asked = []

    class Capped(Node):
        def answer(self, method: str, *params: Any) -> Any:
            if method == "eth_getLogs":
                first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
                asked.append(last - first + 1)
                if last - first >= 100:
                    return {"error": {"code": -32602, "message": "block range too large"}}
            return super().answer(method, *params)

    found = read_events(Capped(shop.url), [address], [ADD_DATA_TOPIC])
    assert [event.log.data for event in found] == [
        log.data for log in attach(at, node).evm.logs(address) if log.topics[0] == ADD_DATA_TOPIC
    ]
    assert sum(size <= 100 for size in asked) >= 20

    class Refusing(Node):
        def answer(self, method: str, *params: Any) -> Any:
            if method == "eth_getLogs":
                return {"error": {"code": -32000, "message": "history is pruned"}}
            return super().answer(method, *params)

    with pytest.raises(DcaiError, match="history is pruned"):
        read_events(Refusing(shop.url), [address], [])


# Families, on chain and on test EVMs


@pytest.mark.parametrize("name", ["revm", "eth-tester"])
@pytest.mark.parametrize("model", ["perceptron", "bayes", "centroid"])
def test_audit_and_pull_on_test_evms(name: str, model: str) -> None:
    (evm,) = open_evms(name)
    system = deploy(systems.system("fused", model=model), evm)
    X, y = np.eye(8), np.array(systems.LABELS)
    rng = np.random.default_rng(0)
    for _ in range(6):
        system.wait(3600)
        row = rng.integers(0, 8)
        system.add_data(X[row], int(rng.integers(0, 2)), sender=evm.accounts[rng.integers(1, 4)])
    result = audit(system, X, y)
    assert result.parameters_equal
    assert len(result.rows) == 6
    assert result.rows[-1].accuracy == result.accuracy
    estimator, count = pulled(system)
    assert count == 6
    assert estimator.predict(X).tolist() == system.predict(X).tolist()
    assert audit_chart(result, "<words> & more").startswith("<svg")
    with pytest.raises(InvalidOption, match="0 test samples"):
        audit(system, X[:0], [])


@pytest.mark.parametrize("make", [GaussianNB, NearestCentroid, lambda: Perceptron(random_state=0)])
def test_a_pulled_estimator_is_what_stands_on_chain(make: Any, chain: str, tmp_path: Path) -> None:
    X, y = models.iris()
    compiled = compile_model(make().fit(X[:100], y[:100]), X[:100], y[:100], name="Iris")
    folder = compiled.save(tmp_path / "iris")
    deploy_artifact(folder, compiled, transactions(chain))
    node = Node(chain)
    from dcai_compile.chain.accounts import open_signer

    signer = open_signer(node, environ={"DCAI_PRIVATE_KEY": KEYS[0]})
    system = attach(folder, node, signer=signer)
    for row in range(100, 112):
        system.add_data(X[row], y[row])
    estimator, _ = pulled(system)
    assert type(estimator) is type(make())
    assert estimator.predict(X).tolist() == system.predict(X).tolist()
    report = verify_deployed(system, node, X)
    assert report.passed and report.contributions == 12
    # A chain that was tampered with is noticed.
    first = compiled.layout.stored[0].first_slot
    old = node.ask("eth_getStorageAt", system.classifier, hex(first), "latest")
    new = f"{int(old, 16) ^ 1:#066x}"
    node.ask("anvil_setStorageAt", system.classifier, f"{first:#066x}", new)
    assert not verify_deployed(system, node, X[:3]).parameters_equal
    with pytest.raises(DeploymentMismatch, match="not what the contributions explain"):
        pulled(system)


def test_sending_without_an_account_is_refused(chain: str, tmp_path: Path) -> None:
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "words")
    deploy_artifact(folder, compiled, transactions(chain))
    system = attach(folder, Node(chain))
    with pytest.raises(InvalidOption, match="no account to sign with"):
        system.add_encoded([1], 0)
    with pytest.raises(InvalidOption, match="clock of a real chain"):
        system.wait(10)


# From Python


def test_the_chain_from_python(chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    w3 = Web3(HTTPProvider(chain))
    compiled = systems.system("fused")
    by_key = Account.from_key(KEYS[0])
    sent = w3.eth.get_transaction_count(by_key.address)
    system = compiled.deploy(w3, by_key)
    assert system.creator() == by_key.address
    # The same model from the same account is there already.
    paid = w3.eth.get_transaction_count(by_key.address)
    assert paid > sent
    assert compiled.deploy(chain, by_key).address == system.address
    assert w3.eth.get_transaction_count(by_key.address) == paid
    folder = compiled.save(tmp_path / "words")
    teacher = dcai_compile.attach(folder, w3, system.address, account=w3.eth.accounts[1])
    lesson = teacher.add_encoded([4, 5], 1)
    assert lesson.author == w3.eth.accounts[1]
    reader = dcai_compile.attach(folder, chain, system.address)
    assert reader.contributions() == [lesson]
    X = np.eye(8)
    assert reader.pull().predict(X).tolist() == reader.predict(X).tolist()
    assert reader.audit(X, systems.LABELS).parameters_equal
    with pytest.raises(InvalidOption, match="no account to sign with"):
        reader.add_encoded([4], 1)
    # An account that is named is the one that signs, whatever the environment holds.
    monkeypatch.setenv("DCAI_PRIVATE_KEY", KEYS[1])
    second = dcai_compile.attach(folder, chain, system.address, account=2)
    assert second.add_encoded([4], 1).author == w3.eth.accounts[2]
    by_environment = dcai_compile.attach(folder, chain, system.address)
    assert by_environment.add_encoded([5], 1).author == w3.eth.accounts[1]
    with pytest.raises(InvalidOption, match="EthereumTesterProvider is not a connection"):
        compiled.deploy(Web3(EthereumTesterProvider()))


# Large models


def test_constructors_of_many_data_contracts(chain: str, tmp_path: Path) -> None:
    """17 addresses in one constructor: more than the EVM's stack holds."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5_300)), np.arange(40) % 10
    model = Perceptron(max_iter=2, tol=None, random_state=0).fit(X, y)
    compiled = compile_model(model, X, name="Wide", weight_bits=64, update="frozen")
    assert len(compiled.sources.data_contracts) >= 17
    system = compiled.deploy(chain, folder=compiled.save(tmp_path / "wide"))
    assert system.predict(X[:2]).tolist() == compiled.mirror.predict(X[:2]).tolist()


@pytest.mark.parametrize("sizes", [[], [1], [400_000] * 4, [10] * 501, [600_000, 1, 600_000]])
def test_batches_are_as_large_as_a_node_takes(sizes: list[int]) -> None:
    requests = [("eth_call", ["0" * size]) for size in sizes]
    found = list(batches(requests))
    assert [request for batch in found for request in batch] == requests
    for batch in found:
        assert 0 < len(batch) <= BATCH
        assert len(batch) == 1 or sum(len(str(request)) for request in batch) <= BATCH_BYTES


def test_the_transcript_of_the_documents(tmp_path: Path) -> None:
    """Every verb, as CHAIN.md shows it of larger models; in this process, which has imported it all."""
    from benchmarks.chain_transcript import run

    def typist(folder: Path, variables: dict[str, str], words: tuple[str, ...]) -> str:
        with contextlib.chdir(folder):
            result = runner.invoke(app, list(words), env=variables)
        assert result.exit_code == 0, result.output
        return result.stdout

    lines = run(tmp_path, classes=3, words=300, side=8, typist=typist)
    assert lines.count("PARITY HOLDS") == 2
    assert sum("replayed parameters and the chain's: equal" in line for line in lines) == 2


def test_what_the_documents_show_is_typed_in_programs_of_their_own(tmp_path: Path) -> None:
    from benchmarks.chain_transcript import typed

    assert typed(tmp_path, {}, ("--version",)) == f"dcai_compile {dcai_compile.__version__}\n"
    with pytest.raises(SystemExit, match="nowhere"):
        typed(tmp_path, {"DCAI_RPC": "http://127.0.0.1:9"}, ("status", "nowhere"))


def test_a_lesson_that_no_transaction_can_pay_for(chain: str, tmp_path: Path) -> None:
    """It writes a fresh slot for every word, and is refused before anything is sent."""
    rng = np.random.default_rng(0)
    rows = np.stack([rng.permutation(12_000) < 600 for _ in range(20)])
    X, y = sparse.csr_array(rows.astype(np.int64)), np.arange(20) % 10
    compiled = compile_model(MultinomialNB().fit(X, y), X, name="Wide")
    folder = compiled.save(tmp_path / "wide")
    system = compiled.deploy(chain, folder=folder)
    balance = Node(chain).ask("eth_getBalance", system.creator(), "latest")
    longest = list(range(0, 12_000, 12))[: compiled.integers.encoding.max_length]
    with pytest.raises(GasLimitExceeded, match="16,777,216; nothing was sent"):
        system.add_encoded(longest, 0)
    assert Node(chain).ask("eth_getBalance", system.creator(), "latest") == balance


# A bad line


@pytest.mark.parametrize("fault", FAULTS)
def test_every_verb_on_a_bad_line(
    fault: str, chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each either does all of it or says in a typed error that it did not; the books stay right."""
    from dcai_compile.chain.accounts import open_signer

    monkeypatch.setattr("dcai_compile.chain.node.PAUSES", (0.01, 0.02, 0.05, 0.1))
    compiled = systems.system("fused")
    folder = compiled.save(tmp_path / "words")
    deploy_artifact(folder, compiled, transactions(chain))
    good = Node(chain)
    with faulty_node(chain) as proxy:
        proxy.fault, proxy.every = fault, 4
        done = 0
        for number in range(8):
            try:
                node = Node(proxy.url)
                signer = open_signer(node, environ={"DCAI_PRIVATE_KEY": KEYS[number % 2]})
                system = attach(folder, node, signer=signer)
                system.add_encoded([4, 5], 1)
                done += 1
                system.predict(np.eye(8))
                audit(system, np.eye(8), systems.LABELS)
                replay(system)
            except DcaiError as error:
                assert error.hint or isinstance(error, TransactionRefused)
        assert proxy.met > 0
    system = attach(folder, good)
    found = system.contributions()
    # A signed transaction is the same one however often it is sent.
    assert done <= len(found) <= 8
    assert good.ask("eth_getBalance", system.address, "latest") == hex(
        sum(contribution.deposit for contribution in found)
    )
    assert audit(system, np.eye(8), systems.LABELS).parameters_equal


def test_many_contributions_are_audited(chain: str, tmp_path: Path) -> None:
    """A hundred from ten accounts; `benchmarks/chain.py` does a thousand."""
    from benchmarks.chain import contribute

    texts, labels = reviews(20, seed=0)
    model = make_pipeline(CountVectorizer(vocabulary=WORDS), MultinomialNB()).fit(texts, labels)
    compiled = compile_model(model, texts, name="Reviews", cost_weight=10**9)
    folder = compiled.save(tmp_path / "reviews")
    deploy_artifact(folder, compiled, transactions(chain))
    expected = contribute(folder, Node(chain), 100)
    system: Deployment = attach(folder, Node(chain))
    result = audit(system, *reviews(50, 1))
    assert result.parameters_equal and len(result.rows) == 100
    assert len({row.author for row in result.rows}) == 10
    after = compiled.layout.words(expected.state())
    assert system.evm.storage_many(system.classifier, list(after)) == list(after.values())
