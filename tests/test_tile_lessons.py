"""Lessons from dense samples that have become tiles: contracts beside mirrors, which know nothing of tiles."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.deploy import place
from dcai_compile.deployment import deploy
from dcai_compile.evm import LocalEvm, open_evms
from dcai_compile.families.centroid.mirror import CentroidMirror
from dcai_compile.model import Revert
from dcai_compile.tiles import Tiles
from tests import models
from tests.models import compile_bare
from tests.taught import Pair
from tests.test_wrong_on_purpose import substitute, with_source


@cache
def taught(loss: str, n_features: int, step_bits: int | str, weight_bits: int) -> Compiled:
    rng = np.random.default_rng(5)
    # Values that are small enough to be multiplied with wide lanes.
    X = rng.normal(size=(80, n_features)) * (0.002 if weight_bits == 32 else 1)
    y = (X[:, :3].sum(axis=1) > 0).astype(int)
    estimator = models.sgd(loss).fit(X, y)
    return compile_model(estimator, X, name="Taught", step_bits=step_bits, weight_bits=weight_bits)


LESSONS = [
    ("perceptron", 16, 16, 16, True),
    ("hinge", 41, 16, 16, True),
    ("perceptron", 250, 16, 16, True),
    ("perceptron", 41, "auto", 16, False),
    ("log_loss", 41, 16, 16, False),
    ("perceptron", 41, 16, 32, True),
    ("log_loss", 20, 16, 32, False),
]


@pytest.mark.parametrize(("loss", "n_features", "step_bits", "weight_bits", "in_tiles"), LESSONS)
def test_lessons_leave_what_the_mirror_says(
    loss: str, n_features: int, step_bits: int | str, weight_bits: int, in_tiles: bool
) -> None:
    compiled = taught(loss, n_features, step_bits, weight_bits)
    assert tiles_in(compiled).bits == weight_bits
    assert ("_teach" in compiled.source["Taught.sol"]) == in_tiles
    teach_to_the_limits(compiled, compiled.integers.plan.max_value)  # type: ignore[attr-defined]


@cache
def centroids(
    n_classes: int, n_features: int, samples: int, spread: float = 1.0, **options: Any
) -> Compiled:
    """Random blobs; the more samples, the wider the sums."""
    rng = np.random.default_rng(n_features)
    y = np.arange(samples) % n_classes
    X = spread * (rng.normal(size=(samples, n_features)) + y[:, None])
    options = {"step_bits": 16, "name": "Taught"} | options
    return compile_model(NearestCentroid().fit(X, y), X, y, **options)


def tiles_in(compiled: Compiled) -> Tiles:
    tiles: Tiles | None = compiled.integers.tiles  # type: ignore[attr-defined]
    assert tiles is not None
    return tiles


BLOBS = [(2, 16, 400, 32), (2, 41, 4, 16), (3, 250, 400, 32), (9, 33, 20, 16), (10, 64, 400, 32)]
"""Classes, features, samples and bits of the published sums in code."""


@pytest.mark.parametrize(("n_classes", "n_features", "samples", "bits"), BLOBS)
def test_lessons_of_centroids_leave_what_the_mirror_says(
    n_classes: int, n_features: int, samples: int, bits: int
) -> None:
    compiled = centroids(n_classes, n_features, samples)
    assert tiles_in(compiled).bits == bits
    teach_to_the_limits(compiled, compiled.integers.max_value)  # type: ignore[attr-defined]


def teach_to_the_limits(compiled: Compiled, most: int) -> None:
    """Through both entries, at the ends of what can be learned, and until lanes have carried."""
    n_features = compiled.integers.encoding.n_features
    packing, mirror = compiled.packing, compiled.new_mirror()
    assert packing is not None and packing.element_bits == 16
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
            if isinstance(mirror, CentroidMirror):
                mirror.added = [7] * len(mirror.added)
            clean = dict.fromkeys(models.learned_slots(compiled), 0)
            evm.put_storage(system.address, clean | compiled.layout.words(mirror.state()))
        kind = number % 4
        if kind == 0:
            sample = rng.choice([-most, most, 0, 1], n_features).tolist()
        elif kind == 1:
            sample = rng.integers(-(2**15), 2**15, n_features) * packing.unit
            reach = most // packing.unit * packing.unit
            sample = np.clip(sample, -reach, reach).tolist()
        else:
            sample = [most // packing.unit * packing.unit] * n_features
        predicted = mirror.decide(mirror.scores([np.array(sample, np.int64)])[0])
        label = (predicted + 1) % len(mirror.integers.model.classes)
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


@pytest.mark.parametrize(("n_classes", "n_features", "samples", "bits"), BLOBS)
def test_sums_at_their_limits(n_classes: int, n_features: int, samples: int, bits: int) -> None:
    """Squares and products of what a class can become at most, of values around the limit of tiles."""
    compiled = centroids(n_classes, n_features, samples)
    tiles, pair = tiles_in(compiled), Pair(compiled)
    limit = 1 << tiles.value_bits
    digits = pair.mirror.integers.digits
    half = 1 << digits.low_bits - 1
    least, most = pair.mirror.reach or (digits.minimum, digits.maximum)
    lows = [half - 1, -half, 0, 1, -1]
    wides = [0, 0, 2 * half, -2 * half, most, least]
    rng = np.random.default_rng(bits)
    for turn in range(8):
        shape = pair.mirror.delta.shape
        lanes = rng.choice(lows, shape) + rng.choice(wides, shape) // (2 * half) * 2 * half
        if turn < 4:  # all the same, which makes the largest sums
            lanes = np.full(shape, [half - 1, -half, most, least][turn])
        pair.mirror.delta[:] = np.clip(lanes, least, most)
        pair.mirror.added = rng.integers(1, 9, n_classes).tolist()
        if turn % 2:  # what was not taught stays as it was published
            pair.mirror.added[-1] = 0
            pair.mirror.delta[:, -1] = 0
        pair.put(0, 0, int(pair.mirror.delta[0, 0]))
        ends = [limit - 1, limit, -limit, -limit - 1, 2**63 - 1, -(2**63)]
        samples_ = [np.full(n_features, end, np.int64).tolist() for end in ends]
        samples_ += [rng.choice(ends[: 2 * part], n_features).tolist() for part in (1, 2, 3)]
        samples_.append(rng.choice([limit - 1, -limit, 0, 1], n_features).tolist())
        pair.compare(*samples_)


OTHERS = [(3, 40, 20, 2e-7, 0, True), (4, 1700, 20, 0.05, 1, False)]
"""Classes, features, samples and spread; data contracts that the sums are in, and whether they are exact."""


@pytest.mark.parametrize(("n_classes", "n_features", "samples", "spread", "parts", "exact"), OTHERS)
def test_tiles_without_a_grid_and_in_data_contracts(
    n_classes: int, n_features: int, samples: int, spread: float, parts: int, exact: bool
) -> None:
    compiled = centroids(n_classes, n_features, samples, spread)
    assert tiles_in(compiled)
    assert len(compiled.layout.base_parts) == parts
    assert (compiled.integers.grid_bits == 0) == exact  # type: ignore[attr-defined]
    teach_to_the_limits(compiled, compiled.integers.max_value)  # type: ignore[attr-defined]


def test_samples_of_a_class_are_no_pass_over_its_sums() -> None:
    """Counts, and all parameters, beside the mirror, before and after lessons; the count for no more gas."""
    pair = Pair(centroids(3, 250, 400, incentive=None))
    calls = [abi.selector("getNumSamples(uint256)") + abi.word(row) for row in range(3)]
    before = [pair.evm.call(pair.address, call) for call in calls]
    rng = np.random.default_rng(3)
    for row in (0, 2, 0):
        pair.teach(rng.integers(-(10**8), 10**8, 250).tolist(), row)
    after = [pair.evm.call(pair.address, call) for call in calls]
    counts = [int.from_bytes(result.output, "big") for result in after]
    assert counts == pair.mirror.counts()
    assert max(result.gas_used for result in after) < min(r.gas_used for r in before) + 1000
    expected = pair.mirror.parameters()[-6:]
    asked = pair.evm.call(pair.address, abi.parameters_call(750, 6))
    assert asked.output == abi.word(abi.WORD) + abi.int256_array(expected)


FAULTS = {
    "lanes are not turned round": substitute(
        r"turned := or\(shr\(128, four\), shl\(128, four\)\)", "turned := four"
    ),
    "nobody gives back what sums borrowed": substitute(
        r"sar\(192, add\(product, shr\(1, .*\)\)\)\)", "sar(192, product))"
    ),
    "half a lane stays in every product": substitute(
        r"product := sub\(product, mul\(total, .*\)\)", ""
    ),
    "half a lane stays in every square": substitute(
        r"square := add\(moreSquare, add\(square, \d+\)\)", "square := add(moreSquare, square)"
    ),
    "sums of lanes are of one place only": substitute(
        r"sums := shr\(192, mul\(sums, mload\(sub\(tiles, 0x40\)\)\)\)", "sums := shr(192, sums)"
    ),
    "wide digits count in no square": substitute(r"moreSquare := add\(moreSquare, mul", "pop(mul"),
    "wide digits count in no product": substitute(
        r"moreProduct := add\(moreProduct, mul", "pop(mul"
    ),
    "a wide digit finds another value": substitute(r"and\(place, 12\)", "and(place, 8)"),
    "a wide digit finds another lane": substitute(
        r"(let lane := shr\(.*and\()place, 1", r"\g<1>place, 0"
    ),
    "published lanes are those of another tile": substitute(
        r"and\(shr\(1, index\), 6\)", "and(shr(1, index), 2)"
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_centroids_of_tiles_is_found(fault: str) -> None:
    compiled = centroids(2, 41, 200)
    assert tiles_in(compiled).bits == 32
    broken = with_source(compiled, FAULTS[fault])
    rng = np.random.default_rng(41)
    X = rng.normal(size=(90, 41))
    # So often the same class that its lanes carry.
    y = np.zeros(90, np.int64)
    report = broken.verify(X[:20], evm="revm", updates=(abs(X), y))
    assert report.evm_mismatches > 0
    assert not report.passed
