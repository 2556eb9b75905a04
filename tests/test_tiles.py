"""Dense samples as tiles: the plan in Python, the contract beside the mirror, which knows nothing of tiles."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.deploy import place
from dcai_compile.deployment import deploy
from dcai_compile.encoding import Encoding
from dcai_compile.evm import LocalEvm, open_evms
from dcai_compile.fixed import div_round_half_up
from dcai_compile.model import Revert
from dcai_compile.tiles import (
    BLOCK,
    ONES,
    OWED,
    STRIDE,
    Tiles,
    divide_in_tiles,
    packed_as_tiles,
    tiles_of,
)
from tests import models
from tests.models import compile_bare

WORD = 1 << 256


def tile_words(tiles: Tiles, values: list[int]) -> list[int]:
    """The tiles of a sample, as the contract makes them."""
    padded = values + [0] * (tiles.tile_blocks * BLOCK - len(values))
    words = []
    for block in range(tiles.tile_blocks):
        for u in range(4):
            four = padded[block * BLOCK + u : (block + 1) * BLOCK : 4]
            words.append(sum(x << STRIDE * (3 - r) for r, x in enumerate(four)) % WORD)
    return words


def multiplied(tiles: Tiles, weights: NDArray[np.int64], values: list[int]) -> list[int]:
    """What the contract does, modulo 2**256, with what stands behind the table being anything."""
    table = tiles.table(weights).reshape(tiles.words, tiles.rows, tiles.per_word)
    half = 1 << tiles.bits - 1
    fours, found = tile_words(tiles, values), []
    for row in range(tiles.rows):
        total = -sum(fours) * ONES * half
        for number in range(tiles.tile_blocks // tiles.parts):
            word = 0xA5 << 248
            if number < tiles.words:
                word = sum(
                    int(lane + half) << tiles.bits * at
                    for at, lane in enumerate(table[number, row][::-1])
                )
            for part in range(tiles.parts):
                for u in range(4):
                    lanes = word >> (BLOCK * u + tiles.bits * part) & tiles.mask
                    total += fours[4 * (number * tiles.parts + part) + u] * lanes
        highest = (total + OWED) % WORD >> 3 * STRIDE
        found.append(highest - (1 << STRIDE if highest >> STRIDE - 1 else 0))
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rows=st.integers(1, 6),
    features=st.integers(BLOCK, 40),
    bits=st.sampled_from((8, 16)),
    data=st.data(),
)
def test_products_are_exact_up_to_the_limit(
    rows: int, features: int, bits: int, data: st.DataObject
) -> None:
    tiles = Tiles(rows, features, bits)
    ends = -(1 << tiles.value_bits), (1 << tiles.value_bits) - 1
    half = 1 << bits - 1
    weight = st.sampled_from([-half, half - 1, 0, -1]) | st.integers(-half, half - 1)
    value = st.sampled_from([*ends, 0, -1, 1]) | st.integers(*ends)
    weights = np.array(
        data.draw(st.lists(weight, min_size=rows * features, max_size=rows * features)), np.int64
    ).reshape(rows, features)
    values = data.draw(st.lists(value, min_size=features, max_size=features))
    exact = [sum(int(w) * v for w, v in zip(row, values, strict=True)) for row in weights]
    assert multiplied(tiles, weights, values) == exact
    worst = [ends[0]] * features
    assert (
        multiplied(tiles, np.full((rows, features), -half, np.int64), worst)
        == [half * -ends[0] * features] * rows
    )


@pytest.mark.parametrize("bits", [8, 16])
def test_every_feature_has_a_place_of_its_own(bits: int) -> None:
    tiles = Tiles(1, 256, bits)
    places = [tiles.place(feature) for feature in range(tiles.per_word)]
    assert sorted(places) == list(range(tiles.per_word))
    table = tiles.table(np.arange(256).reshape(1, -1))
    for feature in range(256):
        word = table[feature // tiles.per_word]
        assert word[tiles.per_word - 1 - tiles.place(feature)] == feature


@given(
    st.sampled_from([1, 2, 3, 7, 10, 1000, 100_000, 10**7]) | st.integers(1, 10**9),
    st.integers(1, 2**40),
    st.data(),
)
def test_four_divisions_at_once_round_as_one_does(
    divisor: int, largest: int, data: st.DataObject
) -> None:
    plan = divide_in_tiles(divisor, largest)
    assume(plan is not None)
    assert plan is not None
    near = st.integers(-3, 3)
    value = (
        st.sampled_from([-largest, largest, 0])
        | st.integers(-largest, largest)
        | st.builds(
            lambda k, d: k * divisor + divisor // 2 + d,
            st.integers(-plan.offset, plan.offset),
            near,
        )
    )
    four = [max(-largest, min(largest, data.draw(value))) for _ in range(4)]
    word = (sum(x << STRIDE * at for at, x in enumerate(four)) + ONES * plan.bias) % WORD
    if plan.halvings:
        word = word >> plan.halvings & ONES * ((1 << STRIDE - plan.halvings) - 1)
    word = (word * plan.factor) % WORD >> plan.shift & ONES * 0xFFFF
    found = [(word >> STRIDE * at & 0xFFFF) - plan.offset for at in range(4)]
    assert found == [div_round_half_up(x, divisor) for x in four]


def test_there_is_a_division_for_usual_models_and_none_beyond() -> None:
    assert divide_in_tiles(100_000, 300_000_000) is not None
    assert divide_in_tiles(10**7, 60 * 10**9) is not None
    assert divide_in_tiles(1, 2**14 - 1) is not None
    assert divide_in_tiles(1, 2**14) is None  # would not be below half a lane
    assert divide_in_tiles(3**30, 2**50) is None


def test_where_tiles_are_used() -> None:
    wide, narrow = Encoding("dense", BLOCK, BLOCK), Encoding("dense", BLOCK - 1, BLOCK - 1)
    assert tiles_of(wide, 1, 16, 2**31) is not None
    assert tiles_of(narrow, 1, 16, 2**31) is None
    assert tiles_of(wide, 1, 24, 2**31) is None
    limit = Tiles(1, BLOCK, 8).value_bits
    assert tiles_of(wide, 1, 8, 2**limit - 1) is not None
    assert tiles_of(wide, 1, 8, 2**limit) is None
    assert tiles_of(Encoding("indices", 100, 100), 1, 16, 1) is None
    packed = Encoding("dense", 20, 20, packed_bits=16, packed_unit=1000)
    assert packed_as_tiles(packed, 32_768_000)
    assert not packed_as_tiles(packed, 32_767_999)
    assert packed_as_tiles(packed, None)
    assert not packed_as_tiles(Encoding("dense", 20, 20, packed_bits=17), None)


# On chain.


@cache
def frozen(n_classes: int, n_features: int, weight_bits: int) -> Compiled:
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(60, n_features)) * (rng.random((60, n_features)) > 0.3)
    y = np.arange(60) % n_classes
    estimator = LogisticRegression(max_iter=50).fit(X + y[:, None] * 0.1, y)
    scores = np.sort(estimator.decision_function(X).reshape(60, -1), axis=1)
    margins = abs(scores[:, 0]) if n_classes == 2 else scores[:, -1] - scores[:, -2]
    # Narrow weights are refused where a calibration sample is too close to call.
    clear = X[margins >= margins.max()] * np.linspace(0.6, 1.0, 8)[:, None]
    return compile_model(estimator, clear, update="frozen", weight_bits=weight_bits, name="Tiled")


def tiles_in(compiled: Compiled) -> Tiles:
    tiles: Tiles | None = compiled.integers.tiles  # type: ignore[attr-defined]
    assert tiles is not None
    return tiles


SHAPES = [(2, 16), (2, 271), (6, 32), (10, 47)]


@pytest.mark.parametrize("weight_bits", [8, 16])
@pytest.mark.parametrize(("n_classes", "n_features"), SHAPES)
def test_contract_is_its_mirror(n_classes: int, n_features: int, weight_bits: int) -> None:
    """Just below, at and just past the limit, each way in; and every feature alone."""
    compiled = frozen(n_classes, n_features, weight_bits)
    tiles = tiles_in(compiled)
    limit = 1 << tiles.value_bits
    ends = [limit - 1, limit, -limit, -limit - 1, 2**63 - 1, -(2**63), 1, 0]
    rng = np.random.default_rng(n_features)
    samples = [np.full(n_features, value, np.int64) for value in ends]
    samples += [rng.choice(np.array(ends, np.int64), n_features) for _ in range(8)]
    samples += [rng.integers(-limit, limit, n_features, np.int64) for _ in range(8)]
    for feature in range(n_features):
        samples.append(np.zeros(n_features, np.int64))
        samples[-1][feature] = rng.integers(-limit, limit)
    system = deploy(compiled)
    expected = compiled.mirror.scores(samples)
    for sample, scores in zip(samples, expected, strict=True):
        result = system.evm.call(system.address, abi.sample_call(abi.SCORES, sample))
        assert abi.decode_int256_array(result.output) == list(map(int, scores))


@pytest.mark.parametrize("weight_bits", [8, 16])
@pytest.mark.parametrize(("n_classes", "n_features"), SHAPES)
def test_a_packed_sample_is_predicted_like_the_one_it_stands_for(
    n_classes: int, n_features: int, weight_bits: int
) -> None:
    compiled = frozen(n_classes, n_features, weight_bits)
    packing = compiled.packing
    assert packing is not None and packing.element_bits == 16
    assert "_packedTiles" in compiled.source["Tiled.sol"]
    system = deploy(compiled)
    rng = np.random.default_rng(1)
    ends = np.array([-(2**15), 2**15 - 1, 0, 1, -1]) * packing.unit
    samples = [rng.choice(ends, n_features).tolist() for _ in range(12)]
    samples += [
        (rng.integers(-(2**15), 2**15, n_features) * packing.unit).tolist() for _ in range(12)
    ]
    for feature in range(n_features):
        for value in (-(2**15), 2**15 - 1):
            samples.append([0] * n_features)
            samples[-1][feature] = value * packing.unit
    for sample in samples:
        packed = packing.pack(sample)
        assert packed is not None
        result = system.evm.call(system.address, abi.packed_call(abi.PREDICT_PACKED, packed))
        scores = compiled.mirror.scores([np.array(sample, np.int64)])[0]
        assert int.from_bytes(result.output, "big") == compiled.mirror.decide(scores)
    for packed, error in ((b"\0" * (2 * n_features + 2), "SampleLength"), (b"\0", "PackedLength")):
        result = system.evm.call(system.address, abi.packed_call(abi.PREDICT_PACKED, packed))
        assert abi.describe_revert(result.output, compiled.errors).startswith(error)


@cache
def taught(loss: str, n_features: int, step_bits: int | str) -> Compiled:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, n_features))
    y = (X[:, :3].sum(axis=1) > 0).astype(int)
    estimator = models.sgd(loss).fit(X, y)
    return compile_model(estimator, X, name="Taught", step_bits=step_bits, weight_bits=16)


LESSONS = [
    ("perceptron", 16, 16, True),
    ("hinge", 41, 16, True),
    ("perceptron", 250, 16, True),
    ("perceptron", 41, "auto", False),
    ("log_loss", 41, 16, False),
]


@pytest.mark.parametrize(("loss", "n_features", "step_bits", "in_tiles"), LESSONS)
def test_lessons_leave_what_the_mirror_says(
    loss: str, n_features: int, step_bits: int | str, in_tiles: bool
) -> None:
    """Through both entries, at the ends of what can be learned, and until lanes have carried."""
    compiled = taught(loss, n_features, step_bits)
    assert ("_teach" in compiled.source["Taught.sol"]) == in_tiles
    packing, mirror = compiled.packing, compiled.new_mirror()
    assert packing is not None and packing.element_bits == 16
    most = compiled.integers.plan.max_value  # type: ignore[attr-defined]
    rng = np.random.default_rng(2)
    evm = open_evms("revm")[0]
    assert isinstance(evm, LocalEvm)
    system = deploy(compiled, evm)
    assert compiled.layout.delta is not None
    digits = compiled.layout.delta.table.digits
    half = 1 << digits.low_bits - 1

    def wide(lane: int) -> int:
        return digits.split(lane)[1]

    ends = [half - 1, -half, half - 2, 1 - half, 0, 2 * half + 5, 3 - 4 * half]
    carries = 0
    for number in range(36):
        if number % 6 == 5:  # as if lessons had brought lanes to the ends of their low digits
            mirror.delta[:] = rng.choice(ends, mirror.delta.shape)  # type: ignore[attr-defined]
            clean = dict.fromkeys(models.learned_slots(compiled), 0)
            evm.put_storage(system.address, clean | compiled.layout.words(mirror.state()))
        kind = number % 4
        if kind == 0:
            sample = rng.choice([-most, most, 0, 1], n_features).tolist()
        elif kind == 1:
            sample = (rng.integers(-(2**15), 2**15, n_features) * packing.unit).tolist()
        else:
            sample = [most // packing.unit * packing.unit] * n_features
        label = 1 - mirror.decide(mirror.scores([np.array(sample, np.int64)])[0])
        before = [wide(int(lane)) for lane in mirror.state()["delta"]]
        system.wait(3600)
        system.packs = bool(number % 2)
        system.add_encoded(sample, label)
        mirror.update_encoded(sample, label)
        for slot, word in compiled.layout.words(mirror.state()).items():
            assert system.evm.storage(system.address, slot) == word
        scores = abi.sample_call(abi.SCORES, sample)
        found = abi.decode_int256_array(system.evm.call(system.address, scores).output)
        expected = mirror.scores([np.array(sample, np.int64)])[0]
        assert found == list(map(int, expected))
        now = [wide(int(lane)) for lane in mirror.state()["delta"]]
        carries += sum(was != is_ for was, is_ in zip(before, now, strict=True))
    assert carries > 10


def test_a_value_that_cannot_be_learned_from_is_refused() -> None:
    X = np.random.default_rng(5).normal(size=(80, 41))
    estimator = models.sgd("perceptron").fit(X, (X[:, 0] > 0).astype(int))
    compiled = compile_bare(estimator, X, step_bits=16, weight_bits=16)
    most = compiled.integers.plan.max_value  # type: ignore[attr-defined]
    evm = open_evms("revm")[0]
    address = place(compiled, evm).addresses[compiled.main.name]
    for position in (0, 15, 16, 40):
        for value in (most + 1, -most - 1, 2**63 - 1, -(2**63)):
            sample = [0] * 41
            sample[position] = value
            result = evm.call(address, abi.update_call(sample, 1))
            with pytest.raises(Revert) as caught:
                compiled.new_mirror().update_encoded(sample, 1)
            said = abi.describe_revert(result.output, compiled.errors)
            assert said == f"FeatureValueOutOfRange({position}, {value}, {most})"
            assert caught.value.values == (position, value, most)
    words: Any = abi.update_call([0] * 41, 1)
    broken = words[:-32] + (1 << 64).to_bytes(32, "big")
    assert not evm.call(address, broken).success
