"""Samples in few bytes: the same sample, the same lesson, a key of their own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from dcai_compile import Compiled, abi, calls, compile_model
from dcai_compile.calls import ADD_DATA_TOPIC, ADD_PACKED_TOPIC, Contribution
from dcai_compile.choose import choose_encoding
from dcai_compile.deployment import Deployment, deploy
from dcai_compile.encoding import Encoding
from dcai_compile.errors import TransactionRefused
from dcai_compile.evm import CallResult, open_evms
from dcai_compile.packing import ENOUGH_SAMPLES, FINE, Packing, dense_packing, packing_of
from tests import models
from tests.solidity import initcode_beside

DENSE16 = Encoding("dense", 3, 3, packed_bits=16, packed_unit=1000)
DENSE21 = Encoding("dense", 3, 3, packed_bits=21, packed_unit=109)
DENSE8 = Encoding("dense", 3, 3, packed_bits=8, packed_unit=3_921_569)
DENSE32 = Encoding("dense", 3, 3)
WORDS = Encoding("indices", 1000, 60)
LETTERS = Encoding("indices", 26, 60)
PAIRS = Encoding("pairs", 1000, 60)

OWNER_WAIT = 40
"""Seconds until the creator may take a deposit."""

UNPACKER = """
    function unpack(bytes calldata packed) external pure returns (int64[] memory) {
        return _unpack(Samples.loadPacked(packed));
    }
"""
"""What a generated contract does within, for all to call."""


def int64s(packing: Packing) -> st.SearchStrategy[list[int]]:
    """Samples that have a packed form."""
    if packing.is_signed:
        half = 1 << (packing.element_bits - 1)
        values = st.integers(-half, half - 1).map(lambda q: q * packing.unit)
    else:
        most = (1 << packing.element_bits) - 1
        values = st.integers(0, most).map(lambda q: q * packing.unit)
    return st.lists(values, max_size=40)


@pytest.mark.parametrize(
    "encoding", [DENSE8, DENSE16, DENSE21, DENSE32, WORDS, LETTERS, PAIRS], ids=str
)
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


@pytest.mark.parametrize(
    "encoding", [DENSE8, DENSE16, DENSE21, DENSE32, WORDS, LETTERS, PAIRS], ids=str
)
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
    X = _calibration(ENOUGH_SAMPLES, [largest, enough, 0.0])
    assert dense_packing(X) == (16, 10**6)
    X[-1, 1] -= 1e-6
    assert dense_packing(X) == (17, 499_993)  # 32.767e9 / (2**16 - 1), rounded up
    assert choose_encoding("dense", X).packed_bits == 17
    X[-1, 1] = 1e-6
    assert dense_packing(X) == (32, 16)  # there is no such unit


def test_of_few_samples_the_range_in_the_middle_counts() -> None:
    """Of few samples the narrowest of many ranges is chance: half of them must be fine, and no more."""
    largest, enough = 32.767, FINE * 1e-3
    for highest in ([largest, 1e-6, enough], [1e-6, enough, largest, 1e-6]):
        few = _calibration(ENOUGH_SAMPLES - 1, highest)
        assert dense_packing(few) == (16, 10**6)
        assert choose_encoding("dense", few).packed_bits == 16
        # One sample more, and every feature counts.
        assert dense_packing(_calibration(ENOUGH_SAMPLES, highest)) == (32, 16)
        few[-1, highest.index(enough)] -= 1e-6
        assert dense_packing(few) == (17, 499_993)
    # What does not vary is not counted: one of two is left, and must be fine.
    assert dense_packing(_calibration(2, [0.0, 0.0, 0.0, largest])) == (16, 10**6)


def _calibration(n_samples: int, highest: list[float]) -> Any:
    """Samples in which every feature varies from 0 to its highest value, and one more does not vary."""
    X = np.zeros((n_samples, len(highest) + 1))
    X[-1, :-1] = highest
    X[:, -1] = 5.0
    return X


@given(st.integers(1, 2**50), st.integers(1, 2**50))
def test_a_narrower_element_would_not_do(largest: int, narrowest: int) -> None:
    wire = sorted((largest, narrowest))
    X = np.zeros((ENOUGH_SAMPLES, 2))
    X[-1] = [value / 1e9 for value in wire]
    bits, unit = dense_packing(X)
    if bits == 8:
        assert all(abs(v - round(v / unit) * unit) <= 130 and v // unit < 256 for v in wire)
        assert wire[0] >= unit - 130
        return
    assert (wire[1] - 1) // unit < 2 ** (bits - 1)
    if bits > 16:
        coarser = -(-wire[1] // (2 ** (bits - 2) - 1))
        assert wire[0] < coarser * FINE
    if bits < 32:
        assert wire[0] >= unit * FINE


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (np.arange(256), 10**9),
        (np.arange(256) / 255, 3_921_569),
        ((np.arange(256) / 255).astype(np.float32), 3_921_569),
        (np.arange(17), 10**9 // 8),
        (np.arange(17) / 16, 10**9 // 128),
        (np.arange(2), 10**9 // 128),
        (np.arange(128), 127 * 10**9 // 127 // 2),
        (np.arange(80) / 10, 10**8 // 2),
    ],
)
def test_whole_numbers_up_to_255_of_a_unit_are_bytes(values: Any, unit: int) -> None:
    X = np.resize(values, (ENOUGH_SAMPLES * 20, len(values)))
    assert dense_packing(X) == (8, unit)
    bits, near = dense_packing(X.astype(np.float32))
    assert bits == 8 and abs(near - unit) <= 1
    assert dense_packing(X[: ENOUGH_SAMPLES - 1])[0] >= 16
    packing = packing_of(choose_encoding("dense", X))
    for sample in choose_encoding("dense", X).encode(X[:2]):
        near = packing.rounded(sample)
        assert packing.pack(near) is not None
        assert all(2 * abs(a - b) <= 257 for a, b in zip(near, sample, strict=True))
    # Whatever is not whole, wherever it is, and however little beside the largest.
    step = unit / 1e9
    for wrong in (-step, 255.5 * step, step / 2, step / 1000, 1e-6, 3 * step + 1e-6, 256 * step):
        other = X.astype(np.float64)
        other[-1, 1] = wrong
        if wrong <= other[:-1].max():
            assert dense_packing(other)[0] >= 16, wrong
            assert dense_packing(-other)[0] >= 16


def test_a_feature_that_a_byte_would_lose_is_no_byte() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 256, 500)
    for small in (0.04 * rng.random(500), 7 + 4e-4 * rng.random(500), 1e-6 * counts):
        bits, unit = dense_packing(np.column_stack([counts * 100.0, small]))
        assert bits >= 16
        assert np.ptp(small) * 1e9 >= FINE * unit or bits == 32


@given(st.lists(st.integers(-(2**40), 2**40), max_size=8), st.integers(2**16, 10**9))
def test_what_is_not_whole_is_not_rounded(values: list[int], unit: int) -> None:
    packing = Packing(8, unit, False, "", True)
    rounded = packing.rounded(values)
    assert rounded == values or packing.pack(rounded) is not None
    assert all(abs(a - b) <= 130 + abs(a) // 2**23 for a, b in zip(values, rounded, strict=True))
    near = [abs(value) // unit % 256 * unit for value in values]
    assert packing.rounded(near) == near
    assert packing.rounded([*near, unit // 2]) == [*near, unit // 2]


@pytest.mark.parametrize("X", [np.zeros((0, 2)), np.array([[np.nan, 1.0]]), np.zeros((3, 2))])
def test_nothing_to_measure_is_no_reason_to_fail(X: Any) -> None:
    bits, unit = dense_packing(X)
    assert bits in (16, 32)
    assert unit == 1


# On chain.


@cache
def fused(encoding: str) -> tuple[Compiled, Any, Any]:
    """A whole system of this encoding, with lessons."""
    estimator: Any = models.sgd("perceptron")
    if encoding == "bytes":
        X, y = load_digits(n_class=2, return_X_y=True)
        encoding = "dense"
    elif encoding in ("dense", "fine"):
        X, y = models.breast_cancer()
        if encoding == "fine":  # a feature of a small range asks for more bits
            X, encoding = X * np.where(np.arange(X.shape[1]) == 3, 0.002, 1.0), "dense"
    else:
        X, y = models.text()
        X = X if encoding == "indices" else X * 0.37
    waits = {"refund_wait": 15, "owner_claim_wait": OWNER_WAIT}
    return compile_model(estimator.fit(X, y), X, encoding=encoding, **waits), X, y


@pytest.mark.parametrize("encoding", ["dense", "fine", "bytes", "indices", "pairs"])
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


@pytest.mark.parametrize("encoding", ["dense", "fine", "bytes", "indices", "pairs"])
def test_packed_and_not_is_the_same_lesson(encoding: str) -> None:
    """Either entry: same lesson, storage, deposit and event; each is claimed by the entry it came by."""
    compiled, X, y = fused(encoding)
    evms = open_evms("revm")[0], open_evms("revm")[0]
    packed, plain = (deploy(compiled, evm) for evm in evms)
    plain.packs = False
    assert compiled.packing is not None
    settled = []
    for number in range(6):
        sample = compiled.packing.rounded(compiled.encode(X[number : number + 1])[0])
        label = compiled.integers.model.classes.index(int(y[number]))
        lessons = []
        for system in (packed, plain):
            system.wait(3600)
            student = system.evm.accounts[1]
            lessons.append(system.add_encoded(sample, label, sender=student))
        assert lessons[0].packed == compiled.packing.pack(sample)
        assert replace(lessons[0], packed=None) == lessons[1]
        assert lessons[0].data == tuple(sample)
        assert _storage(packed) == _storage(plain)
        for system, lesson in zip((packed, plain), lessons, strict=True):
            _unknown_to_the_other_entry(system, lesson)
            system.wait(15)
            # Waited for: what refuses the other entry's claim is the key and nothing else.
            _unknown_to_the_other_entry(system, lesson)
            assert system.num_claims(lesson) == 0
            assert system.claimable(lesson) == lesson.deposit
            settled.append(_settle(system, lesson))
            assert system.num_claims(lesson) == 1
            assert system.claimable(lesson) == 0
            _unknown_to_the_other_entry(system, lesson)
        assert settled[-1] == settled[-2]
        assert _storage(packed) == _storage(plain)
    assert "refund" in settled
    topics = [
        {log.topics[0] for log in system.evm.logs(system.address)} for system in (packed, plain)
    ]
    assert ADD_PACKED_TOPIC in topics[0] and ADD_DATA_TOPIC not in topics[0]
    assert ADD_DATA_TOPIC in topics[1] and ADD_PACKED_TOPIC not in topics[1]
    found = [system.contributions() for system in (packed, plain)]
    assert [replace(contribution, packed=None) for contribution in found[0]] == found[1]
    assert all(contribution.packed is not None for contribution in found[0])


def _settle(system: Deployment, lesson: Contribution) -> str:
    """Its author takes the deposit back, or where the model disagrees the creator takes it; which of both."""
    creator, author = system.creator(), lesson.author
    assert creator != author
    try:
        assert system.refund(lesson) == lesson.deposit
        assert system.has_claimed(lesson, author) and not system.has_claimed(lesson, creator)
        return "refund"
    except TransactionRefused as error:
        assert "ModelDisagrees" in str(error)
    system.wait(OWNER_WAIT)
    assert system.report(lesson, sender=creator) == lesson.deposit
    assert system.has_claimed(lesson, creator) and not system.has_claimed(lesson, author)
    return "report"


def _unknown_to_the_other_entry(system: Deployment, lesson: Contribution) -> None:
    """No claim and no getter of the other entry finds the contribution, whoever asks."""
    packing = system.compiled.packing
    assert packing is not None
    other = packing.pack(lesson.data) if lesson.packed is None else None
    wrong = replace(lesson, packed=other)
    assert wrong.key != lesson.key
    for sender in (lesson.author, system.creator()):
        # A refund is looked for under its sender's name, a report under the author's.
        for author, data in (
            (sender, system.refund_call(wrong)),
            (lesson.author, system.report_call(wrong)),
        ):
            result = system.evm.call(system.address, data, sender=sender)
            assert not result.success
            assert _refusal(system, result) == _unknown(replace(wrong, author=author))
    with pytest.raises(TransactionRefused, match="ContributionUnknown"):
        system.num_claims(wrong)
    # DCAI's getters know what came as an array, and nothing else.
    array = replace(lesson, packed=None)
    for name in ("getClaimableAmount", "getInitialDeposit", "getNumClaims"):
        getter = abi.selector(f"{name}(int64[],uint64,uint256,address)")
        result = system.evm.call(system.address, getter + calls.report(array)[4:])
        assert result.success == (lesson.packed is None)
        assert result.success or _refusal(system, result) == _unknown(array)


def _refusal(system: Deployment, result: CallResult) -> tuple[str, tuple[Any, ...]]:
    return abi.decode_error(result.output, system.compiled.errors)


def _unknown(contribution: Contribution) -> tuple[str, tuple[Any, ...]]:
    return "ContributionUnknown", (int.from_bytes(contribution.key, "big"),)


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
