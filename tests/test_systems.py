"""Compiled systems as a whole: parity of every family inside them, artifacts, the Python API, nodes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import (
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import OrdinalEncoder
from typer.testing import CliRunner

from dcai_compile import abi, compile_model, load_artifact
from dcai_compile.cli import app
from dcai_compile.deployment import deploy
from dcai_compile.errors import InvalidOption, TransactionRefused
from dcai_compile.evm import Evm, fastest_evm, open_evms
from tests import models, systems
from tests.solidity import initcode
from tests.test_evm_open import anvil  # noqa: F401 (a fixture)
from tests.test_incentives import after

both = pytest.mark.parametrize("layout", systems.LAYOUTS)


def categories() -> tuple[Any, Any]:
    X, y = models.iris()
    codes = OrdinalEncoder(dtype=np.int64).fit_transform(np.digitize(X, [1.5, 3.0, 5.0]))
    return codes, y


MODELS: dict[str, tuple[Any, Any]] = {
    "perceptron, words": (lambda: Perceptron(random_state=0), models.text),
    "perceptron, 3 classes": (lambda: Perceptron(random_state=0), models.iris),
    "passive-aggressive, words": (
        lambda: PassiveAggressiveClassifier(random_state=0),
        lambda: models.text(200, 3),
    ),
    "hinge, dense": (models.sgd, models.breast_cancer),
    "multinomial": (MultinomialNB, lambda: models.text(200, 3)),
    "complement, norm": (lambda: ComplementNB(norm=True), lambda: models.text(200, 3)),
    "bernoulli": (BernoulliNB, models.text),
    "categorical": (CategoricalNB, categories),
    "gaussian": (GaussianNB, models.breast_cancer),
    "centroid, words": (NearestCentroid, models.text),
    "centroid, dense": (NearestCentroid, models.iris),
}

ON_TWO_EVMS = ("perceptron, words", "hinge, dense", "multinomial", "centroid, dense")
"""The others would take minutes on the slower one, where their families are tested on their own."""


@pytest.mark.parametrize("name", MODELS)
@both
def test_parity_inside_a_system(layout: str, name: str) -> None:
    """Taught through `addData`, with every storage slot compared after every lesson."""
    make, data = MODELS[name]
    X, y = data()
    cut = 2 * X.shape[0] // 3
    compiled = compile_model(make().fit(X[:cut], y[:cut]), X[:cut], y[:cut], layout=layout)
    evm = "auto" if name in ON_TWO_EVMS else "revm"
    report = compiled.verify(X[-30:], evm=evm, updates=(X[cut : cut + 20], y[cut : cut + 20]))
    assert report.passed, report
    assert report.updates >= 19
    assert report.reverted == 0


@both
def test_a_frozen_system_predicts(layout: str) -> None:
    X, y = models.iris()
    compiled = compile_model(LogisticRegression().fit(X, y), X, y, update="frozen", layout=layout)
    report = compiled.verify(X, updates=(X[:3], y[:3]))
    assert report.passed and report.reverted == 3


def test_a_base_that_leaves_no_room_for_the_trainer_goes_into_data_contracts() -> None:
    X = np.eye(6140)[[0, 1, 6139]]
    # A rule that takes so much code that what is left of 24,576 bytes is not half of it.
    estimator = SGDClassifier(loss="log_loss", penalty=None, learning_rate="constant", eta0=0.5)
    estimator.fit(np.eye(6140)[:40], np.arange(40) % 2)
    options: dict[str, Any] = {"encoding": "indices", "weight_bits": 16}
    bare = models.compile_bare(estimator, X, **options)
    assert bare.layout.base_place == "own_code"
    fused = compile_model(estimator, X, **options)
    assert fused.layout.base_place == "data_contracts"
    assert "pass the 24576 bytes" in " ".join(fused.layout.reasons)
    assert fused.verify(X, evm="revm", updates=(X, [0, 1, 0])).passed


@both
def test_an_artifact_of_a_system_comes_back(layout: str, tmp_path: Path) -> None:
    compiled = systems.system(layout, title="Words that matter", open_claims=True)
    again = load_artifact(compiled.save(tmp_path / "model"))
    assert again.options == compiled.options
    assert again.contracts == compiled.contracts
    assert again.source == compiled.source
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    wanted = {
        "incentive": "stakeable",
        "layout": layout,
        "title": "Words that matter",
        "refund_wait": systems.REFUND_WAIT,
        "owner_claim_wait": systems.OWNER_WAIT,
        "any_address_claim_wait": systems.ANY_WAIT,
        "cost_weight": systems.COST_WEIGHT,
        "open_claims": True,
    }
    assert wanted.items() <= manifest["options"].items()
    system = again.deploy()
    name = systems.call(system.evm, system.address, "name()").output
    assert name == encode(["string"], ["Words that matter"])


def test_the_source_of_a_system_holds_what_it_needs_and_no_more() -> None:
    fused, modular = systems.system("fused"), systems.system("modular", "points")
    assert "contracts/FusedTrainer64.sol" in fused.source
    assert "contracts/CollaborativeTrainer64.sol" not in fused.source
    assert "contracts/incentives/PointsRules.sol" not in fused.source
    assert "contracts/Points64.sol" in modular.source
    assert not any("Stakeable" in path or "Fused" in path for path in modular.source)


# One copy of a sample for key and event

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
ACCOUNT = st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex())


class Twin:
    """`Samples` and plain Solidity on one EVM."""

    def __init__(self) -> None:
        self.evm = fastest_evm()
        self.address = self.evm.deploy(initcode("KeyTwin")).address


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(INT64, max_size=40),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 256) - 1),
    ACCOUNT,
    st.integers(0, (1 << 256) - 1),
)
def test_key_and_event_are_those_of_plain_solidity(
    twin: Twin, data: list[int], label: int, time: int, account: str, cost: int
) -> None:
    values = (data, label, time, account)
    types = "(int64[],uint64,uint256,address)"
    fast = systems.call(twin.evm, twin.address, "fast" + types, *values)
    plain = systems.call(twin.evm, twin.address, "plain" + types, *values)
    packed = b"".join(abi.word(value) for value in data) + label.to_bytes(8, "big")
    packed += abi.word(time) + bytes.fromhex(account[2:])
    assert fast.output == plain.output == keccak(packed)
    types = "(int64[],uint64,uint256,address,uint256)"
    (fast_log,) = systems.send(twin.evm, twin.address, "logFast" + types, *values, cost).logs
    (plain_log,) = systems.send(twin.evm, twin.address, "logPlain" + types, *values, cost).logs
    assert fast_log == plain_log
    assert systems.call(twin.evm, twin.address, "afterwards(int64[])", data).output == abi.word(4)


# The Python API


def story(evm: Evm, layout: str) -> None:
    """Add, refund and report on any EVM, with its clock put forward."""
    system = deploy(systems.system(layout), evm)
    author, bad, reporter = evm.accounts[1:4]
    assert system.contributions() == []
    system.wait(3600)
    good = system.add_data(np.eye(8)[4], 1, sender=author)
    assert (good.data, good.label, good.author) == ((4,), 1, author)
    assert good.deposit == systems.COST_WEIGHT * 60 == system.claimable(good)
    after(system, good, systems.REFUND_WAIT)
    assert system.refund(good) == good.deposit
    assert system.num_valid(author) == 1
    assert system.claimable(good) == 0
    wrong = system.add_data(np.eye(8)[[5]], 0, sender=bad)
    assert system.predict(np.eye(8)[[5]]).tolist() == [1]
    with pytest.raises(TransactionRefused) as caught:
        system.report(wrong, sender=author)
    assert caught.value.error == "TooEarly"
    assert "try again in" in caught.value.hint
    after(system, wrong, systems.REFUND_WAIT)
    with pytest.raises(TransactionRefused, match="the model predicts class 1"):
        system.refund(wrong)
    with pytest.raises(TransactionRefused, match="no validated contribution"):
        system.report(wrong, sender=reporter)
    before = evm.balance(system.address)
    assert system.report(wrong, sender=author) == wrong.deposit
    assert before - evm.balance(system.address) == wrong.deposit
    assert system.contributions() == [good, wrong]
    other = type(system)(system.compiled, evm, system.addresses)
    assert other.contributions() == [good, wrong]


@pytest.mark.parametrize("name", ["revm", "eth-tester"])
@both
def test_the_story_on_test_evms(layout: str, name: str) -> None:
    (evm,) = open_evms(name)
    story(evm, layout)


@both
def test_the_story_on_a_node(layout: str, anvil: str) -> None:
    (evm,) = open_evms("http" + anvil)
    story(evm, layout)


def test_what_a_bare_classifier_cannot_do() -> None:
    bare = models.sparse_binary().deploy()
    X, _ = models.text()
    expected = models.sparse_binary().mirror.predict(X[:20])
    assert bare.predict(X[:20]).tolist() == expected.tolist()
    for do in (lambda: bare.add_encoded([1], 0), lambda: bare.cost()):
        with pytest.raises(InvalidOption, match="takes no contributions"):
            do()
    assert bare.contributions() == []


def test_a_lesson_that_cannot_be_sent_is_refused_before() -> None:
    system = systems.fresh()
    count = len(system.evm.logs(system.address))
    from dcai_compile.errors import SampleOutOfRange

    with pytest.raises(SampleOutOfRange, match="label 'eggs'"):
        system.add_data(np.eye(8)[0], "eggs")
    with pytest.raises(SampleOutOfRange):
        system.add_data(np.eye(9)[0], 0)
    assert len(system.evm.logs(system.address)) == count


# The command line


def test_the_command_line_compiles_and_quotes_systems(tmp_path: Path) -> None:
    import skops.io

    X, y = models.iris()
    skops.io.dump(Perceptron(random_state=0).fit(X, y), tmp_path / "iris.skops")
    np.savez(tmp_path / "iris.npz", X=X, y=y)
    base = ["compile", f"{tmp_path}/iris.skops", "--data", f"{tmp_path}/iris.npz"]
    runner = CliRunner()
    for arguments, words in (
        ([], ["0.36 ETH right after another one", "fused, stakeable"]),
        (["--incentive", "points", "--layout", "modular"], ["costs nothing but gas", "Points64"]),
        (["--refund-wait", "60", "--open-claims"], ["1 minute later", "its author included"]),
    ):
        result = runner.invoke(app, [*base, "--out", f"{tmp_path}/out", *arguments])
        assert result.exit_code == 0, result.output
        assert all(word in result.output for word in words)
        result = runner.invoke(app, ["quote", f"{tmp_path}/out"])
        assert result.exit_code == 0, result.output
        assert "deploy gas" in result.output and "longest sample" in result.output
    quoted = json.loads(runner.invoke(app, ["quote", f"{tmp_path}/out", "--json"]).output)
    assert "a contribution costs" in quoted["deposits"][0]
    result = runner.invoke(app, [*base, "--cost-weight", "0"])
    assert result.exit_code == 2
    assert "cost_weight=0" in result.output and "points" in result.output
    result = runner.invoke(app, [*base, "--incentive", "none", "--out", f"{tmp_path}/bare"])
    assert result.exit_code == 0 and "deposits" not in result.output


def test_anvil_is_there_where_nothing_may_be_skipped() -> None:
    import os

    assert shutil.which("anvil") or not os.environ.get("CI")
