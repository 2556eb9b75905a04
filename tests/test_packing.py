"""Samples in few bytes: the same sample, the same lesson, the same key."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.calls import ADD_DATA_TOPIC, ADD_PACKED_TOPIC
from dcai_compile.choose import choose_encoding
from dcai_compile.deployment import Deployment, deploy
from dcai_compile.encoding import Encoding
from dcai_compile.errors import TransactionRefused
from dcai_compile.evm import open_evms
from dcai_compile.packing import FINE, Packing, dense_packing, packing_of
from tests import models
from tests.solidity import initcode_beside

DENSE16 = Encoding("dense", 3, 3, packed_bits=16, packed_unit=1000)
DENSE21 = Encoding("dense", 3, 3, packed_bits=21, packed_unit=109)
DENSE32 = Encoding("dense", 3, 3)
WORDS = Encoding("indices", 1000, 60)
LETTERS = Encoding("indices", 26, 60)
PAIRS = Encoding("pairs", 1000, 60)

UNPACKER = """
    function unpack(bytes calldata packed) external pure returns (int64[] memory) {
        return _unpack(packed);
    }
"""
"""What a generated contract does within, for all to call."""


def int64s(packing: Packing) -> st.SearchStrategy[list[int]]:
    """Samples that have a packed form."""
    if packing.is_signed:
        half = 1 << (packing.element_bits - 1)
        values = st.integers(-half, half - 1).map(lambda q: q * packing.unit)
    else:
        values = st.integers(0, (1 << packing.element_bits) - 1)
    return st.lists(values, max_size=40)


@pytest.mark.parametrize("encoding", [DENSE16, DENSE21, DENSE32, WORDS, LETTERS, PAIRS], ids=str)
@given(data=st.data())
def test_unpacking_gives_the_sample_back(encoding: Encoding, data: st.DataObject) -> None:
    packing = packing_of(encoding)
    sample = data.draw(int64s(packing))
    packed = packing.pack(sample)
    assert packed is not None
    assert len(packed) == -(-len(sample) * packing.element_bits // 8)
    assert packing.unpack(packed) == sample
    assert packing.rounded(sample) == sample


@given(st.lists(st.integers(-(2**40), 2**40), max_size=8), st.integers(1, 10**9))
def test_rounding_moves_no_value_by_more_than_half_a_unit(values: list[int], unit: int) -> None:
    packing = Packing(32, unit, True, "")
    rounded = packing.rounded(values)
    assert all(2 * abs(a - b) <= unit for a, b in zip(values, rounded, strict=True))
    assert all(value % unit == 0 for value in rounded)


def test_what_has_no_packed_form_is_not_bent_into_one() -> None:
    packing = packing_of(DENSE16)
    assert packing.pack([32_767_000, -32_768_000, 0]) == bytes.fromhex("7fff80000000")
    assert packing.pack([32_768_000, 0, 0]) is None
    assert packing.pack([-32_769_000, 0, 0]) is None
    assert packing.pack([1, 0, 0]) is None
    words = packing_of(WORDS)
    assert words.pack([1023]) is not None
    assert words.pack([1024]) is None
    assert words.pack([-1]) is None


def test_bytes_that_are_no_whole_element_have_no_sample() -> None:
    assert packing_of(DENSE16).unpack(b"\0" * 3) is None
    assert packing_of(WORDS).unpack(b"\0" * 3) is not None  # two of 10 bits
    assert packing_of(WORDS).unpack(b"\0") is None


@pytest.mark.parametrize("encoding", [DENSE16, DENSE21, DENSE32, WORDS, LETTERS, PAIRS], ids=str)
def test_elements_that_are_unpacked_at_once_fill_whole_bytes_of_one_word(
    encoding: Encoding,
) -> None:
    packing = packing_of(encoding)
    assert packing.together * packing.element_bits == 8 * packing.together_bytes
    assert 1 <= packing.together_bytes <= 32


def test_a_dense_element_has_as_few_bits_as_leave_every_feature_its_shape() -> None:
    """The unit is that of the largest value; a feature must vary by `FINE` of them."""
    largest = 32.767  # one unit is 1e6
    enough = FINE * 1e-3
    X = np.array([[0.0, 0.0, 5.0], [largest, enough, 5.0]])
    assert dense_packing(X) == (16, 10**6)
    X[1, 1] -= 1e-6
    assert dense_packing(X) == (17, 499_993)  # 32.767e9 / (2**16 - 1), rounded up
    assert choose_encoding("dense", X).packed_bits == 17
    X[1, 1] = 1e-6
    assert dense_packing(X) == (32, 16)  # there is no such unit


@given(st.integers(1, 2**50), st.integers(1, 2**50))
def test_a_narrower_element_would_not_do(largest: int, narrowest: int) -> None:
    wire = sorted((largest, narrowest))
    bits, unit = dense_packing(np.array([[0.0, 0.0], [value / 1e9 for value in wire]]))
    assert (wire[1] - 1) // unit < 2 ** (bits - 1)
    if bits > 16:
        coarser = -(-wire[1] // (2 ** (bits - 2) - 1))
        assert wire[0] < coarser * FINE
    if bits < 32:
        assert wire[0] >= unit * FINE


@pytest.mark.parametrize("X", [np.zeros((0, 2)), np.array([[np.nan, 1.0]]), np.zeros((3, 2))])
def test_nothing_to_measure_is_no_reason_to_fail(X: Any) -> None:
    bits, unit = dense_packing(X)
    assert bits in (16, 32)
    assert unit == 1


# On chain.


@cache
def fused(encoding: str) -> tuple[Compiled, Any, Any]:
    """A whole system of this encoding, with lessons."""
    if encoding in ("dense", "fine"):
        X, y = models.breast_cancer()
        estimator: Any = models.sgd("perceptron")
        if encoding == "fine":  # a feature of a small range asks for more bits
            X, encoding = X * np.where(np.arange(X.shape[1]) == 3, 0.002, 1.0), "dense"
    else:
        X, y = models.text()
        X = X if encoding == "indices" else X * 0.37
        estimator = models.sgd("perceptron")
    return compile_model(estimator.fit(X, y), X, encoding=encoding, refund_wait=15), X, y


@pytest.mark.parametrize("encoding", ["dense", "fine", "indices", "pairs"])
def test_the_contract_unpacks_as_python_does(encoding: str) -> None:
    compiled, _, _ = fused(encoding)
    packing = compiled.packing
    assert packing is not None
    assert (packing.element_bits % 8 != 0) == (encoding == "fine")
    system = deploy(compiled)
    call = system.evm.call
    unpacker = system.evm.deploy(initcode_beside(compiled, UNPACKER)).address
    facts = call(system.address, abi.selector("packing()")).output
    assert int.from_bytes(facts[:32], "big") == packing.element_bits
    assert int.from_bytes(facts[32:], "big") == packing.unit
    unpack = abi.selector("unpack(bytes)")
    rng = np.random.default_rng(5)
    for length in (0, 1, 7, 8, 9, 16, 33):
        for _ in range(4):
            bits = packing.element_bits * length
            packed = bytearray(rng.bytes(-(-bits // 8)))
            result = call(unpacker, abi.packed_call(unpack, bytes(packed)))
            assert abi.decode_int256_array(result.output) == packing.unpack(bytes(packed))
    odd = call(unpacker, abi.packed_call(unpack, b"\1" * (packing.element_bits // 8 * 9 + 7)))
    if packing.unpack(b"\1" * (packing.element_bits // 8 * 9 + 7)) is None:
        assert abi.describe_revert(odd.output, compiled.errors).startswith("PackedLengthInvalid")


@pytest.mark.parametrize("encoding", ["dense", "fine", "indices", "pairs"])
def test_packed_and_not_is_the_same_contribution(encoding: str) -> None:
    """Added one way, it is known, refunded and reported the other way; both models stay the same."""
    compiled, X, y = fused(encoding)
    evms = open_evms("revm")[0], open_evms("revm")[0]
    packed, plain = (deploy(compiled, evm) for evm in evms)
    plain.packs = False
    assert compiled.packing is not None
    for number in range(6):
        sample = compiled.packing.rounded(compiled.encode(X[number : number + 1])[0])
        label = compiled.integers.model.classes.index(int(y[number]))
        lessons = []
        for system in (packed, plain):
            system.wait(3600)
            lessons.append(system.add_encoded(sample, label))
        assert lessons[0].data == lessons[1].data == tuple(sample)
        assert lessons[0].deposit == lessons[1].deposit
        assert _storage(packed) == _storage(plain)
        assert packed.num_claims(lessons[0]) == 0
        # The other entry knows it under the same key.
        packed.packs, plain.packs = False, True
        for system, lesson in zip((packed, plain), lessons, strict=True):
            system.wait(15)
            _refund_or_not(system, lesson)
        packed.packs, plain.packs = True, False
        assert _storage(packed) == _storage(plain)
    topics = [
        {log.topics[0] for log in system.evm.logs(system.address)} for system in (packed, plain)
    ]
    assert ADD_PACKED_TOPIC in topics[0] and ADD_DATA_TOPIC not in topics[0]
    assert ADD_DATA_TOPIC in topics[1] and ADD_PACKED_TOPIC not in topics[1]
    found = [[(c.data, c.label, c.deposit) for c in s.contributions()] for s in (packed, plain)]
    assert found[0] == found[1]


def _refund_or_not(system: Deployment, lesson: Any) -> None:
    try:
        assert system.refund(lesson) == lesson.deposit
    except TransactionRefused as error:
        assert "ModelDisagrees" in str(error)


def _storage(system: Deployment) -> list[int]:
    layout = system.compiled.layout
    words = layout.words(system.compiled.new_mirror().state())
    return [system.evm.storage(system.address, slot) for slot in sorted(words)]


def test_raw_samples_are_sent_packed_as_the_nearest_that_can_be() -> None:
    compiled, X, y = fused("dense")
    packing = compiled.packing
    assert packing is not None and packing.element_bits == 16 and packing.unit > 1
    system = deploy(compiled)
    system.wait(3600)
    lesson = system.add_data(X[:1], y[0])
    exact = compiled.encode(X[:1])[0]
    assert list(lesson.data) != exact
    assert all(2 * abs(a - b) <= packing.unit for a, b in zip(lesson.data, exact, strict=True))
    # What must not be changed is not: it goes through the other entry.
    system.wait(3600)
    assert list(system.add_encoded(exact, 0).data) == exact


def test_a_packed_sample_is_checked_like_any() -> None:
    compiled, _, _ = fused("indices")
    system = deploy(compiled)
    system.wait(3600)
    n_features = compiled.integers.encoding.n_features
    for sample, wanted in (
        ([n_features - 1], ""),
        ([0, n_features], f"FeatureIndexOutOfRange(1, {n_features})"),
        ([], "EmptySample()"),
        ([0] * 1024, "FeatureRepeated"),
        ([0] * 1025, "SampleTooLong(1025, 1024)"),
    ):
        assert compiled.packing is not None
        packed = compiled.packing.pack(sample)
        assert packed is not None
        data = abi.packed_call(abi.ADD_PACKED, packed, 0)
        result = system.evm.send(system.address, data, value=system.cost())
        said = "" if result.success else abi.describe_revert(result.output, compiled.errors)
        assert said.startswith(wanted) and bool(said) == bool(wanted)
        system.wait(3600)


def test_what_was_sent_beyond_the_price_comes_back() -> None:
    compiled, X, _ = fused("indices")
    system = deploy(compiled)
    system.wait(3600)
    before = system.evm.balance(system.address)
    price = system.cost(1)
    lesson = system.add_encoded(compiled.encode(X[:1])[0], 0, max_cost=10 * price)
    assert system.evm.balance(system.address) - before == lesson.deposit <= price


def test_modular_systems_and_bare_classifiers_take_no_packed_samples() -> None:
    X, y = models.text()
    estimator = models.sgd("perceptron").fit(X, y)
    for options in ({"layout": "modular"}, {"incentive": None}):
        compiled = compile_model(estimator, X, **options)
        assert compiled.packing is None
        assert not any("acked" in str(entry.get("name")) for entry in compiled.abi)
