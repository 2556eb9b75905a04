"""Packed samples of bytes: eight products at once, in Python; the contract beside its mirror."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from dcai_compile import Compiled, abi, calls, compile_model
from dcai_compile.byte_tiles import STRIDE, ByteTiles, byte_tiles_of
from dcai_compile.deployment import Deployment, deploy
from dcai_compile.encoding import BYTE_BITS, Encoding
from dcai_compile.errors import TransactionRefused
from dcai_compile.model import margins
from dcai_compile.tiles import BLOCK, SPREADS, Tiles
from tests.solidity import initcode_beside

WORD = 1 << 256


def plan(rows: int, features: int, bits: int) -> ByteTiles:
    encoding = Encoding("dense", features, features, packed_bits=BYTE_BITS)
    found = byte_tiles_of(encoding, Tiles(rows, features, bits, 1 << bits - 1, bits))
    assert found is not None
    return found


def parts(tiles: ByteTiles, packed: bytes) -> list[int]:
    """The words of a sample, as the contract makes them, with zeros where it finds them."""
    words = []
    for block in range(tiles.blocks):
        # A word of which only the first half is looked at; 32 zeros follow a sample, and anything those.
        found = (packed + bytes(32) + b"\xa5" * 32)[BLOCK * block : BLOCK * block + 32]
        odd = int.from_bytes(found, "big") >> 128
        for width, mask in SPREADS[:3]:
            odd = (odd | odd << width) & mask
        mask = tiles.ones * 0xFF
        words += [odd >> 8 & mask, odd & mask]
    return words


def multiplied(tiles: ByteTiles, weights: NDArray[np.int64], packed: bytes) -> list[int]:
    """What the contract does, modulo 2**256, with what stands behind the table being anything."""
    plan = tiles.tiles
    table = plan.table(weights).reshape(plan.words, plan.rows, plan.per_word)
    words, found = parts(tiles, packed), []
    total = sum(words) * tiles.ones % WORD >> 256 - STRIDE
    per_word = len(tiles.products)
    for row in range(plan.rows):
        product, part = 0, 0
        for number in range(tiles.rounds * tiles.turns):
            word = 0xA5 << 248
            if number < plan.words:
                lanes = enumerate(table[number, row][::-1])
                word = sum(int(lane + plan.bias) << plan.bits * at for at, lane in lanes)
            for at, shift in tiles.products:
                lanes_apart = word >> shift & tiles.ones * plan.lane_mask
                part = (part + words[per_word * number + at] * lanes_apart) % WORD
            if (number + 1) % (tiles.turns * tiles.sum_rounds) == 0:
                product, part = product + (part >> 256 - STRIDE), 0
        found.append(product + (part >> 256 - STRIDE) - total * plan.bias)
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rows=st.integers(1, 3),
    features=st.integers(BLOCK, 50),
    bits=st.sampled_from((8, 16)),
    data=st.data(),
)
def test_products_are_exact(rows: int, features: int, bits: int, data: st.DataObject) -> None:
    tiles = plan(rows, features, bits)
    half = tiles.tiles.bias
    weight = st.sampled_from([-half, half - 1, 0, -1]) | st.integers(-half, half - 1)
    weights = np.array(
        data.draw(st.lists(weight, min_size=rows * features, max_size=rows * features)), np.int64
    ).reshape(rows, features)
    packed = data.draw(st.binary(min_size=features, max_size=features))
    exact = [sum(int(w) * x for w, x in zip(row, packed, strict=True)) for row in weights]
    assert multiplied(tiles, weights, packed) == exact


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("features", [16, 17, 32, 33, 48, 255, 256, 257, 272, 512, 513, 784, 1000])
def test_the_largest_products_leave_no_sum_of_32_bits(bits: int, features: int) -> None:
    tiles = plan(1, features, bits)
    half = tiles.tiles.bias
    for weight in (half - 1, -half):
        weights = np.full((1, features), weight, np.int64)
        exact = [weight * 255 * features]
        assert multiplied(tiles, weights, b"\xff" * features) == exact
    round_sum = 255 * tiles.tiles.lane_mask * BLOCK * tiles.round_blocks
    assert round_sum * tiles.sum_rounds < 1 << STRIDE <= round_sum * (tiles.sum_rounds + 1)


def test_where_bytes_are_multiplied_eight_at_once() -> None:
    byte, word = (
        Encoding("dense", 64, 64, packed_bits=bits, packed_unit=7) for bits in (BYTE_BITS, 16)
    )
    tiles = Tiles(1, 64, 16, 1 << 15, 16)
    assert byte_tiles_of(byte, tiles) == ByteTiles(tiles, 7)
    assert byte_tiles_of(word, tiles) is None
    assert byte_tiles_of(byte, None) is None
    assert byte_tiles_of(byte, Tiles(1, 64, 32, 1 << 31, 32)) is None


# On chain.


def test_raw_pixels_of_a_whole_image_are_multiplied_so() -> None:
    """Whole numbers up to 255, of 28 x 28 pixels: as they are, and divided by 255."""
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (20, 784))
    estimator = LogisticRegression()
    estimator.classes_, estimator.n_features_in_ = np.arange(10), 784
    estimator.coef_, estimator.intercept_ = rng.normal(size=(10, 784)), np.zeros(10)
    for X in (pixels, pixels / 255):
        compiled = compile_model(estimator, X, update="frozen", weight_bits=16, name="Image")
        assert "_byteProducts" in compiled.source["Image.sol"]
        system = deploy(compiled)
        for packed in (b"\0" * 784, b"\xff" * 784, rng.bytes(784)):
            assert predicted(system, packed) == expected(compiled, compiled.mirror, packed)
        for sample in compiled.encode(X[:4]):
            output = system.evm.call(system.address, abi.sample_call(abi.SCORES, sample)).output
            assert abi.decode_int256_array(output) == list(compiled.mirror.scores([sample])[0])


@cache
def frozen(n_classes: int, n_features: int, weight_bits: int) -> Compiled:
    rng = np.random.default_rng(n_classes)
    X = rng.integers(0, 256, (80, n_features)).astype(float)
    y = np.arange(80) % n_classes
    estimator = LogisticRegression(max_iter=30).fit(X / 255 + y[:, None] * 0.1, y)
    apart = margins(estimator.decision_function(X / 255).reshape(80, -1))
    # Narrow weights are refused where a calibration sample is too close to call.
    clear = X[np.argsort(apart)[-1:]] / 255
    if weight_bits == 32:  # with which only small values are multiplied in tiles
        estimator.coef_, clear = estimator.coef_ * (1e5 / 255), clear * (255 / 1e5)
    options: dict[str, Any] = {"weight_bits": weight_bits, "name": "Bytes"}
    return compile_model(estimator, clear.repeat(16, axis=0), update="frozen", **options)


SHAPES = [(2, 16), (2, 300), (3, 33), (10, 64), (6, 528)]
"""Classes and features: one round, sums that are taken off in time, a last block that is not full."""


def predicted(system: Deployment, packed: bytes) -> int:
    result = system.evm.call(system.address, abi.packed_call(abi.PREDICT_PACKED, packed))
    return int.from_bytes(result.output, "big")


def expected(compiled: Compiled, mirror: Any, packed: bytes) -> int:
    assert compiled.packing is not None
    sample = compiled.packing.unpack(packed)
    assert sample is not None and compiled.packing.pack(sample) == packed
    return int(mirror.decide(mirror.scores([np.array(sample, np.int64)])[0]))


@pytest.mark.parametrize("weight_bits", [8, 16, 32])
@pytest.mark.parametrize(("n_classes", "n_features"), SHAPES)
def test_bytes_are_predicted_like_what_they_stand_for(
    n_classes: int, n_features: int, weight_bits: int
) -> None:
    compiled = frozen(n_classes, n_features, weight_bits)
    packing, system = compiled.packing, deploy(compiled)
    assert packing is not None and packing.element_bits == BYTE_BITS
    assert ("_byteProducts" in compiled.source["Bytes.sol"]) == (weight_bits < 32)
    rng = np.random.default_rng(1)
    samples = [bytes([value]) * n_features for value in (0, 1, 254, 255)]
    samples += [rng.bytes(n_features) for _ in range(40)]
    samples += [rng.choice([0, 255], n_features).astype(np.uint8).tobytes() for _ in range(20)]
    seen = set()
    for packed in samples:
        seen.add(predicted(system, packed))
        assert predicted(system, packed) == expected(compiled, compiled.mirror, packed)
    assert len(seen) > 1
    for length in (n_features - 1, n_features + 1, 0):
        data = abi.packed_call(abi.PREDICT_PACKED, bytes(length))
        found = abi.describe_revert(system.evm.call(system.address, data).output, compiled.errors)
        assert found == f"SampleLengthMismatch({n_features}, {length})"


SCORER = """
    function packedScores(bytes calldata packed) external view returns (int256[] memory) {
        return _packedScores(Samples.loadPacked(packed));
    }
"""


@pytest.mark.parametrize(
    ("n_classes", "n_features", "weight_bits"),
    # The largest of 32 bits is in contracts of its own, and needs none here.
    [(*shape, bits) for shape in SHAPES for bits in (8, 16, 32) if (*shape, bits) != (6, 528, 32)],
)
def test_every_byte_is_multiplied_with_its_own_weights(
    n_classes: int, n_features: int, weight_bits: int
) -> None:
    compiled = frozen(n_classes, n_features, weight_bits)
    evm = deploy(compiled).evm
    scorer = evm.deploy(initcode_beside(compiled, SCORER)).address
    for feature in range(n_features):
        packed = bytes(feature) + b"\xff" + bytes(n_features - feature - 1)
        result = evm.call(scorer, abi.packed_call(abi.selector("packedScores(bytes)"), packed))
        assert result.success, abi.describe_revert(result.output, compiled.errors)
        assert compiled.packing is not None
        sample = np.array(compiled.packing.unpack(packed), np.int64)
        assert abi.decode_int256_array(result.output) == list(compiled.mirror.scores([sample])[0])


@cache
def sure_of_digits(n_classes: int) -> LogisticRegression:
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(max_iter=20).fit(X, y)


@pytest.mark.parametrize("rule", ["perceptron", "log_loss", "pa1"])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_lessons_of_bytes(rule: str, n_classes: int) -> None:
    """Predictions before, between and after lessons, packed ones and one that is too large to be."""
    X = load_digits(n_class=n_classes).data
    estimator = sure_of_digits(n_classes)
    # Lanes of 16 bits are refused where a calibration sample is too close to call.
    apart = margins(estimator.decision_function(X).reshape(len(X), -1))
    X = X[np.argsort(apart)[-200:]]
    options: dict[str, Any] = {"learning_rate": 0.5, "step_bits": 16, "weight_bits": 16}
    compiled = compile_model(estimator, X, update=rule, name="Bytes", **options)
    packing = compiled.packing
    assert packing is not None and (packing.element_bits, packing.unit) == (BYTE_BITS, 10**9 // 8)
    source = compiled.source["Bytes.sol"]
    assert "_byteProducts" in source
    # Steps that are whole multiples of the values are made tile by tile, whichever way these came.
    assert ("_teach" in source) == (rule == "perceptron")
    system, mirror = deploy(compiled), compiled.new_mirror()
    rng = np.random.default_rng(3)
    for number in range(40):
        sample = list(compiled.encode(X[rng.integers(len(X), size=1)])[0])
        if number % 8 == 7:
            sample = (rng.choice([0, 255], X.shape[1]) * packing.unit).tolist()
        elif number % 8 == 3:
            sample = (rng.integers(0, 256, X.shape[1]) * packing.unit).tolist()
        packed = packing.pack(sample)
        assert packed is not None
        assert predicted(system, packed) == expected(compiled, mirror, packed)
        system.wait(3600)
        label = int(rng.integers(n_classes))
        assert system.add_encoded(sample, label).packed == packed
        mirror.update_encoded(sample, label)
        words = compiled.layout.words(mirror.state())
        assert all(system.evm.storage(system.address, slot) == word for slot, word in words.items())
    assert np.any(mirror.state()["delta"])
    sample[7] = 257 * packing.unit
    assert packing.pack(sample) is None
    with pytest.raises(TransactionRefused, match="OutOfRange"):
        system.add_encoded(sample, 0)


def test_a_sample_that_is_no_bytes_goes_through_the_other_entry() -> None:
    X, y = load_digits(n_class=2, return_X_y=True)
    compiled = compile_model(
        LogisticRegression().fit(X, y), X, update="perceptron", learning_rate=1
    )
    system = deploy(compiled)
    for values, packs in (
        ((3.0, 2.0), True),
        ((3.125, 31.875), True),
        ((3.0, 2.0004), False),
        ((3.000000001, -1.0), False),
        ((3.000000001, 31.9), False),
        ((3.000000001, 2.0), True),
    ):
        system.wait(3600)
        x = X[:1].copy()
        x[0, 5:7] = values
        lesson = system.add_data(x, y[0])
        assert (lesson.packed is not None) == packs
        sent = tuple(round(value * 10**9) for value in values)
        assert lesson.data[5:7] == (tuple(v // 1000 * 1000 for v in sent) if packs else sent)
    assert calls.predict([10**9] * 64, compiled.packing)[:4] == abi.selector("predictPacked(bytes)")
    too_large = calls.predict([32 * 10**9] * 64, compiled.packing)
    assert too_large[:4] == abi.selector("predict(int64[])")
