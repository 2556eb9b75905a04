"""The contract through DCAI's interface, on both test EVMs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pytest
from eth_abi.abi import decode, encode

from dcai_compile import Compiled, abi
from dcai_compile.evm import CallResult, Evm, open_evms
from dcai_compile.model import Revert
from tests import models
from tests.models import compile_bare

BARE = (
    models.dense_binary,
    models.dense_multiclass,
    models.sparse_binary,
    models.sparse_multiclass,
    models.frozen,
)


class Deployed:
    """A contract on an EVM, called by signature."""

    def __init__(self, evm: Evm, compiled: Compiled) -> None:
        self.evm, self.compiled = evm, compiled
        addresses: list[str] = []
        for contract in compiled.contracts:
            arguments = encode(["address"] * len(addresses), addresses)
            last = contract is compiled.main
            addresses.append(evm.deploy(contract.initcode + (arguments if last else b"")).address)
        self.address = addresses[-1]

    def raw(self, signature: str, *values: Any, sender: str | None = None) -> CallResult:
        return self.evm.call(self.address, calldata(signature, values), sender=sender)

    def get(self, signature: str, kind: str, *values: Any) -> Any:
        result = self.raw(signature, *values)
        assert result.success, abi.describe_revert(result.output, self.compiled.abi)
        return decode([kind], result.output)[0]

    def send(self, signature: str, *values: Any, sender: str | None = None) -> CallResult:
        return self.evm.send(self.address, calldata(signature, values), sender=sender)

    def error(self, name: str, *values: int) -> bytes:
        return abi.revert_data(Revert(name, *values), abi.error_selectors(self.compiled.abi))


def calldata(signature: str, values: tuple[Any, ...]) -> bytes:
    types = signature[signature.index("(") + 1 : -1]
    # The one nested type of DCAI's interface has no comma inside.
    kinds = types.split(",") if types else []
    return abi.selector(signature) + encode(kinds, values)


@pytest.fixture(scope="module", params=["revm", "eth-tester"])
def evm(request: pytest.FixtureRequest) -> Evm:
    (machine,) = open_evms(request.param)
    return machine


@pytest.mark.parametrize("model", BARE)
def test_names_of_classes(evm: Evm, model: Callable[[], Compiled]) -> None:
    compiled = model()
    contract = Deployed(evm, compiled)
    count = contract.get("getNumClassifications()", "uint256")
    names = compiled.options.class_names or [str(c) for c in compiled.integers.model.classes]
    assert count == len(names)
    found = [contract.get("classifications(uint256)", "string", i) for i in range(count)]
    assert found == list(names)
    result = contract.raw("classifications(uint256)", count)
    assert result.output == contract.error("IndexOutOfRange", count, count)


@pytest.mark.parametrize("model", BARE)
def test_scale_encoder_and_hash(evm: Evm, model: Callable[[], Compiled]) -> None:
    compiled = model()
    contract = Deployed(evm, compiled)
    assert contract.get("toFloat()", "uint32") == 10**9
    expected = "Multiply by 1E9, then round" if compiled.encoding == "dense" else "none"
    assert contract.get("encoder()", "string") == expected
    assert contract.get("modelHash()", "bytes32") == compiled.sources.model_hash


@pytest.mark.parametrize("model", [models.dense_binary, models.dense_multiclass])
def test_weights_in_dcai_units_are_the_nearest(evm: Evm, model: Callable[[], Compiled]) -> None:
    compiled = model()
    contract = Deployed(evm, compiled)
    mirror: Any = compiled.new_mirror()
    weights = mirror.weights() * compiled.integers.grid.fine_unit * 10**9  # type: ignore[attr-defined]
    units = compiled.integers.score_unit  # type: ignore[attr-defined]
    for row, intercept in enumerate(mirror.intercepts()):
        binary = len(weights) == 1
        at = () if binary else (row,)
        prefix = "" if binary else "uint256"
        found = contract.get(f"intercept({prefix})", "int80", *at)
        assert abs(found - intercept * units * 10**9) <= Fraction(1, 2) + Fraction(1, 1000)
        for feature in range(compiled.integers.encoding.n_features):
            signature = "weights(uint256)" if binary else "weights(uint256,uint256)"
            found = contract.get(signature, "int80", *at, feature)
            assert abs(found - weights[row][feature]) <= Fraction(1, 2) + Fraction(1, 1000)


def test_sparse_getters_have_dcai_types(evm: Evm) -> None:
    contract = Deployed(evm, models.sparse_binary())
    coef = models.sparse_binary().integers.model.coef[0]  # type: ignore[attr-defined]
    found = [contract.get("weights(uint64)", "int80", i) for i in range(200)]
    assert found == [round(w * 1e9) for w in coef]
    assert contract.get("learningRate()", "uint32") == 10**9
    assert contract.raw("weights(uint64)", 200).output == contract.error(
        "IndexOutOfRange", 200, 200
    )


@pytest.mark.parametrize(
    "values", [[0] * 30, [3, 4] + [0] * 28, [(1 << 63) - 1] * 30, [-(1 << 63)] * 30]
)
def test_dense_norm_is_the_floor_of_the_root(evm: Evm, values: list[int]) -> None:
    contract = Deployed(evm, models.dense_binary())
    assert contract.get("norm(int64[])", "uint256", values) == isqrt(sum(v * v for v in values))


def test_sparse_norm_reverts_as_in_dcai(evm: Evm) -> None:
    contract = Deployed(evm, models.sparse_binary())
    result = contract.raw("norm(int64[])", [1, 2])
    assert (
        abi.describe_revert(result.output, contract.compiled.abi)
        == "Normalization is not required."
    )


def test_no_feature_indices(evm: Evm) -> None:
    contract = Deployed(evm, models.dense_binary())
    assert contract.get("getNumFeatureIndices()", "uint256") == 0
    assert contract.raw("featureIndices(uint256)", 0).output == contract.error(
        "IndexOutOfRange", 0, 0
    )


def test_feature_indices_of_a_dcai_model(evm: Evm) -> None:
    indices = [7, 0, (1 << 32) - 1, 1 << 31, 12]
    document = {
        "type": "dense perceptron",
        "classifications": ["no", "yes"],
        "weights": [1.5, -2.0, 0.25, 3.0, -0.5],
        "bias": 0.125,
        "featureIndices": indices,
    }
    X = np.random.default_rng(0).normal(size=(50, 5))
    contract = Deployed(evm, compile_bare(document, X))
    assert contract.get("getNumFeatureIndices()", "uint256") == 5
    assert [contract.get("featureIndices(uint256)", "uint32", i) for i in range(5)] == indices
    assert contract.raw("featureIndices(uint256)", 5).output == contract.error(
        "IndexOutOfRange", 5, 5
    )
    assert contract.get("learningRate()", "uint32") == 500_000_000


def test_owner_hands_over_and_only_the_owner_teaches(evm: Evm) -> None:
    compiled = models.dense_binary()
    contract = Deployed(evm, compiled)
    first, second = evm.accounts[:2]
    sample = compiled.examples[0].tolist()
    assert contract.get("owner()", "address") == first.lower()
    refused = contract.send("transferOwnership(address)", second, sender=second)
    assert refused.output == contract.error("NotOwner", int(second, 16))
    zero = contract.send("transferOwnership(address)", "0x" + "0" * 40)
    assert zero.output == contract.error("OwnerIsZero")
    handed = contract.send("transferOwnership(address)", second)
    assert handed.success
    topic = abi.selector("OwnershipTransferred(address,address)")
    assert handed.logs[0].topics[0][:4] == topic
    assert [int.from_bytes(t, "big") for t in handed.logs[0].topics[1:]] == [
        int(first, 16),
        int(second, 16),
    ]
    refused = contract.send("update(int64[],uint64)", sample, 0)
    assert refused.output == contract.error("NotOwner", int(first, 16))
    assert contract.send("update(int64[],uint64)", sample, 0, sender=second).success


def test_frozen_model_refuses_every_update(evm: Evm) -> None:
    compiled = models.frozen()
    contract = Deployed(evm, compiled)
    result = contract.send("update(int64[],uint64)", compiled.examples[0].tolist(), 0)
    assert result.output == contract.error("ModelIsFrozen")


def test_evaluate_batch_counts_what_is_right(evm: Evm) -> None:
    X, y = models.text()
    compiled = models.sparse_binary()
    contract = Deployed(evm, compiled)
    kept = compiled.encode(X[:40])
    batch = [sample + [0xFFFFFF] * (60 - len(sample)) for sample in kept]
    predicted = compiled.mirror.predict(X[:40])
    found = contract.get("evaluateBatch(uint24[60][],uint64[])", "uint256", batch, y[:40].tolist())
    assert found == int(np.sum(predicted == y[:40]))
    wrong = contract.get(
        "evaluateBatch(uint24[60][],uint64[])", "uint256", batch, (1 - predicted).tolist()
    )
    assert wrong == 0


def test_parameters_and_storage_can_be_read_in_pieces(evm: Evm) -> None:
    compiled = models.dense_multiclass()
    contract = Deployed(evm, compiled)
    X, y = models.iris()
    mirror = compiled.new_mirror()
    for x, label in zip(X[:5], y[:5], strict=True):
        mirror.update(x, label)
        assert contract.send("update(int64[],uint64)", compiled.encode([x])[0], int(label)).success
    expected = tuple(mirror.parameters())
    assert contract.get("parameters(uint256,uint256)", "int256[]", 0, 15) == expected
    assert contract.get("parameters(uint256,uint256)", "int256[]", 4, 7) == expected[4:11]
    assert contract.get("parameters(uint256,uint256)", "int256[]", 9, 0) == ()
    assert contract.raw("parameters(uint256,uint256)", 10, 6).output == contract.error(
        "IndexOutOfRange", 15, 15
    )
    words = compiled.layout.words(mirror.state())
    slots = sorted(words)
    assert evm.storage_many(contract.address, slots) == [words[slot] for slot in slots]


def test_full_lane_reverts_and_changes_nothing(evm: Evm) -> None:
    """A horizon of one update gives lanes that a few dozen worst-case updates fill."""
    document = {
        "type": "sparse perceptron",
        "classifications": ["no", "yes"],
        # So far below zero that every update towards "yes" moves it up again.
        "weights": [-1e6, 1.0],
        "learningRate": 1.0,
    }
    X = 512 * np.eye(2)
    compiled = compile_bare(document, X, encoding="indices", horizon=1, weight_bits=32)
    plan = compiled.integers.plan  # type: ignore[attr-defined]
    largest = plan.digits.maximum
    assert (plan.lane_bits, plan.low_bits) == (16, 8)
    # All but the 128 highest of what 16 bits hold: wide digits are as large below zero as above.
    assert (largest, plan.proved_updates) == (2**15 - 1 - 128, (2**15 - 1 - 128) // 1024)
    contract = Deployed(evm, compiled)
    mirror: Any = compiled.new_mirror()
    sample = [0] * 1024
    for _ in range(plan.proved_updates):
        assert contract.send("update(int64[],uint64)", sample, 1).success
        mirror.update_encoded(sample, 1)
    room = largest - int(mirror.delta[0, 0])
    assert contract.send("update(int64[],uint64)", [0] * room, 1).success
    mirror.update_encoded([0] * room, 1)
    before = compiled.layout.words(mirror.state())
    refused = contract.send("update(int64[],uint64)", [1, 0], 1)
    assert refused.output == contract.error("LaneOverflow", 0, largest + 1)
    with pytest.raises(Revert, match=rf"LaneOverflow\(0, {largest + 1}\)"):
        mirror.update_encoded([1, 0], 1)
    assert compiled.layout.words(mirror.state()) == before
    assert evm.storage_many(contract.address, list(before)) == list(before.values())


def test_model_in_data_contracts_refuses_other_code(evm: Evm) -> None:
    compiled = models.large_sparse()
    assert compiled.layout.base_place == "data_contracts"
    assert len(compiled.contracts) == len(compiled.layout.base_parts) + 1
    stranger = Deployed(evm, models.frozen()).address
    from dcai_compile.errors import ChainError

    arguments = encode(
        ["address"] * (len(compiled.contracts) - 1), [stranger] * (len(compiled.contracts) - 1)
    )
    with pytest.raises(ChainError):
        evm.deploy(compiled.bytecode + arguments)
    contract = Deployed(evm, compiled)
    part = compiled.contracts[0]
    address = contract.get("base0()", "address")
    assert evm.code(address) == part.runtime
    assert part.runtime[0] == 0
    assert len(part.runtime) <= 24_576


def test_transient_counts_are_cleared_between_updates(evm: Evm) -> None:
    """Passive-aggressive updates count in transient storage; the same sample twice is no surprise."""
    compiled = models.sparse_pa()
    contract = Deployed(evm, compiled)
    mirror = compiled.new_mirror()
    for sample in ([5, 3, 5, 5, 1], [5, 3, 5, 5, 1], [1, 3, 5], [199] * 14):
        assert contract.send("update(int64[],uint64)", sample, 1).success
        mirror.update_encoded(sample, 1)
        words = compiled.layout.words(mirror.state())
        assert evm.storage_many(contract.address, list(words)) == list(words.values())
