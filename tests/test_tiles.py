"""Dense samples as tiles: the plan in Python, the contract beside the mirror, which knows nothing of tiles."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.deployment import deploy
from dcai_compile.encoding import Encoding
from dcai_compile.fixed import div_round_half_up
from dcai_compile.model import margins
from dcai_compile.tiles import (
    BLOCK,
    LANE_BITS,
    ONES,
    OWED,
    STRIDE,
    Tiles,
    divide_in_tiles,
    packed_as_tiles,
    tiles_of,
)

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
    fours, found = tile_words(tiles, values), []
    for row in range(tiles.rows):
        total = -sum(fours) * ONES * tiles.bias
        for number in range(4 * tiles.tile_blocks * 4 // tiles.per_word):
            word = 0xA5 << 248
            if number < tiles.words:
                word = sum(
                    int(lane + tiles.bias) << tiles.bits * at
                    for at, lane in enumerate(table[number, row][::-1])
                )
            first = number * tiles.per_word // 4
            for tile, shift in (place for group in tiles.groups for place in group):
                total += fours[first + tile] * (word >> shift & ONES * tiles.lane_mask)
        highest = (total + OWED) % WORD >> 3 * STRIDE
        found.append(highest - (1 << STRIDE if highest >> STRIDE - 1 else 0))
    return found


def of_width(rows: int, features: int, lane: int) -> Tiles:
    """Tiles of lanes of so many bits, in code as narrow as they may stand there."""
    bits = next(bits for bits in LANE_BITS if bits >= lane)
    return Tiles(rows, features, bits, 1 << lane - 1, lane)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rows=st.integers(1, 6),
    features=st.integers(BLOCK, 40),
    lane=st.sampled_from((8, 16, 32)) | st.integers(2, 32),
    data=st.data(),
)
def test_products_are_exact_up_to_the_limit(
    rows: int, features: int, lane: int, data: st.DataObject
) -> None:
    tiles = of_width(rows, features, lane)
    ends = -(1 << tiles.value_bits), (1 << tiles.value_bits) - 1
    half = tiles.bias
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


@pytest.mark.parametrize("bits", LANE_BITS)
def test_every_feature_has_a_place_of_its_own(bits: int) -> None:
    tiles = of_width(1, 256, bits)
    places = {tiles.place(feature) for feature in range(256)}
    assert places == {(word, at) for word in range(tiles.words) for at in range(tiles.per_word)}
    table = tiles.table(np.arange(256).reshape(1, -1))
    for feature in range(256):
        word, place = tiles.place(feature)
        assert table[word][tiles.per_word - 1 - place] == feature


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
    assert divide_in_tiles(1, 2**15 - 2) is not None
    assert divide_in_tiles(1, 2**15 - 1) is None  # a quotient would not be below half a lane
    assert divide_in_tiles(3**30, 2**50) is None


def test_where_tiles_are_used() -> None:
    wide, narrow = Encoding("dense", BLOCK, BLOCK), Encoding("dense", BLOCK - 1, BLOCK - 1)
    tiles = of_width(1, BLOCK, 16)
    assert tiles_of(wide, tiles, 2**31) is tiles
    assert tiles_of(narrow, tiles, 2**31) is None
    assert tiles_of(wide, replace(tiles, bits=24), 2**31) is None
    assert tiles_of(wide, tiles, 2**tiles.value_bits - 1) is tiles
    assert tiles_of(wide, tiles, 2**tiles.value_bits) is None
    assert tiles_of(Encoding("indices", 100, 100), tiles, 1) is None
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
    if weight_bits == 32:  # with which only small values are multiplied in tiles
        estimator.coef_, X = estimator.coef_ * 2000, X / 2000
    apart = margins(estimator.decision_function(X).reshape(60, -1))
    # Narrow weights are refused where a calibration sample is too close to call.
    clear = X[apart >= apart.max()] * np.linspace(0.6, 1.0, 8)[:, None]
    return compile_model(estimator, clear, update="frozen", weight_bits=weight_bits, name="Tiled")


def tiles_in(compiled: Compiled) -> Tiles:
    tiles: Tiles | None = compiled.integers.tiles  # type: ignore[attr-defined]
    assert tiles is not None
    return tiles


SHAPES = [(2, 16), (2, 271), (6, 32), (10, 47)]


@pytest.mark.parametrize("weight_bits", LANE_BITS)
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


@pytest.mark.parametrize("weight_bits", LANE_BITS)
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
