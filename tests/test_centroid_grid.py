"""Dense centroid models whose sums count in steps of a grid: `step_bits=16`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import scale

from dcai_compile import Compiled, load_artifact
from dcai_compile.families.centroid.integers import CentroidIntegers
from dcai_compile.families.centroid.mirror import CentroidMirror
from tests import models
from tests.models import compile_bare
from tests.taught import Pair
from tests.test_wrong_on_purpose import everywhere, substitute, with_source


def integers_of(compiled: Compiled) -> CentroidIntegers:
    assert isinstance(compiled.integers, CentroidIntegers)
    return compiled.integers


@cache
def data(name: str) -> tuple[Any, Any]:
    X, y = {
        "iris": models.iris,
        "breast_cancer": models.breast_cancer,
        "digits": lambda: load_digits(return_X_y=True),
        "wine": lambda: load_wine(return_X_y=True),
    }[name]()
    order = np.random.default_rng(3).permutation(len(y))[:400]
    return scale(X)[order] if name == "wine" else X[order], y[order]


NAMES = pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits", "wine"])


@NAMES
def test_parity_and_half_the_storage(name: str) -> None:
    X, y = data(name)
    estimator = NearestCentroid().fit(X[:100], y[:100])
    narrow, exact = (
        compile_bare(estimator, X[:100], y[:100], step_bits=bits) for bits in (16, "auto")
    )
    assert (integers_of(narrow).low_bits, integers_of(exact).grid_bits) == (16, 0)
    assert integers_of(narrow).grid_bits > 0
    assert narrow.layout.delta.slots <= (exact.layout.delta.slots + 1) // 2 + y.max()  # type: ignore[union-attr]
    report = narrow.verify(X[:100], evm="revm", updates=(X[100:140], y[100:140]))
    assert report.passed, report
    assert (report.updates, report.reverted) == (40, 0)
    # A step is small beside what is typical for a sample.
    typical = np.sqrt(np.mean(X[X != 0] ** 2))
    assert integers_of(narrow).unit < typical / 200
    assert report.drift_bound > 0.5 * integers_of(narrow).unit
    expected = exact.verify(X[:1], evm="revm", updates=(X[100:140], y[100:140]))
    assert expected.passed
    assert expected.drift_bound < report.drift_bound


@NAMES
def test_sums_are_those_of_the_rounded_samples(name: str) -> None:
    X, y = data(name)
    compiled = compile_bare(NearestCentroid().fit(X[:100], y[:100]), X[:100], y[:100], step_bits=16)
    integers, mirror = integers_of(compiled), compiled.new_mirror()
    assert isinstance(mirror, CentroidMirror)
    wire = np.rint(X * 1e9).astype(np.int64)
    first = np.array([wire[:100][y[:100] == label].sum(axis=0) for label in np.unique(y)])
    expected = np.floor_divide(2 * first + integers.grid, 2 * integers.grid)
    assert np.array_equal(mirror.sums(), expected)
    for row in range(100, 150):
        mirror.update(X[[row]], y[row])
        expected[y[row]] += np.floor_divide(2 * wire[row] + integers.grid, 2 * integers.grid)
    assert np.array_equal(mirror.sums(), expected)
    assert mirror.squares() == [sum(v * v for v in row) for row in expected.tolist()]


def trained(features: int, classes: int, spread: float = 1.0, bits: int | str = 16) -> Compiled:
    """Random blobs; in a lesson a value is at most twice the largest."""
    rng = np.random.default_rng(features)
    y = np.arange(40) % classes
    X = spread * (rng.normal(size=(40, features)) + y[:, None])
    return compile_bare(NearestCentroid().fit(X, y), X, y, step_bits=bits, name="Blobs")


@pytest.mark.parametrize("classes", [2, 9])
def test_values_are_rounded_to_the_nearest_step(classes: int) -> None:
    """In a tie up; what rounds to nothing leaves its slot alone."""
    pair = Pair(trained(17, classes))
    grid = integers_of(pair.compiled).grid
    steps = {
        0: 0,
        1: 0,
        grid // 2 - 1: 0,
        grid // 2: 1,
        grid: 1,
        grid + grid // 2 - 1: 1,
        -(grid // 2): 0,
        -(grid // 2) - 1: -1,
        -grid: -1,
        -grid - grid // 2: -1,
        -grid - grid // 2 - 1: -2,
    }
    for feature in (0, 15, 16):
        for value, step in steps.items():
            sample = [0] * 17
            sample[feature] = value
            before = int(pair.mirror.delta[feature, 1])
            pair.teach(sample, 1)
            assert pair.mirror.delta[feature, 1] == before + step
            pair.compare(sample)


SHAPES = [(features, classes) for features in (1, 3, 15, 16, 17, 24, 40) for classes in (2, 3, 9)]


@pytest.mark.parametrize(("features", "classes"), SHAPES)
def test_lanes_of_a_slot_do_not_touch_each_other(features: int, classes: int) -> None:
    """Random lessons, from small ones to the largest, so that lanes carry up and down beside others."""
    taught_at_random(trained(features, classes), lessons=60)


@pytest.mark.parametrize("bits", [16, "auto"])
@pytest.mark.parametrize(("features", "classes"), [(17, 3), (300, 2), (500, 5)])
@pytest.mark.parametrize("warm", [True, False])
def test_wherever_slots_and_flags_are(
    monkeypatch: pytest.MonkeyPatch, warm: bool, features: int, classes: int, bits: Any
) -> None:
    """Slots that deployment has not written, and flags in slots of their own."""
    if not warm:
        monkeypatch.setattr("dcai_compile.delta_choice.WARM_GAS", 0)
    compiled = trained(features, classes, spread=0.05, bits=bits)
    delta = compiled.layout.delta
    assert delta is not None
    assert (delta.warm, delta.table.digits.low_bits) == (warm, 16 if bits == 16 else 32)
    assert delta.in_word == (features < 500)
    taught_at_random(compiled, lessons=12)


def taught_at_random(compiled: Compiled, lessons: int) -> None:
    pair = Pair(compiled)
    integers = integers_of(compiled)
    digits, features, classes = integers.digits, integers.encoding.n_features, len(integers.counts)
    half = 1 << (digits.low_bits - 1)
    rng = np.random.default_rng(features)
    near = rng.integers(-40, 40, (features, classes)) + half * rng.integers(
        -2, 3, (features, classes)
    )
    pair.mirror.delta[:] = near
    pair.mirror.added = [1] * classes
    pair.put(0, 0, int(near[0, 0]))
    carried = 0
    for lesson in range(lessons):
        reach = integers.max_value if lesson % 3 == 0 else integers.grid * 40
        sample = rng.integers(-reach, reach, features, endpoint=True)
        if lesson % 6 == 0:
            sample = np.where(rng.random(features) < 0.5, np.sign(sample) * integers.max_value, 0)
        before = pair.mirror.delta.copy()
        pair.teach(sample.tolist(), int(rng.integers(classes)))
        both = zip(before.ravel().tolist(), pair.mirror.delta.ravel().tolist(), strict=True)
        carried += sum(digits.split(now)[1] != digits.split(was)[1] for was, now in both)
        pair.compare_words()
        if lesson % 5 == 0:
            pair.compare(sample.tolist(), [0] * features)
    assert carried > 0 or features == 1


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("feature", [0, 1, 15, 16, 23])
def test_a_lane_at_its_limit(sign: int, feature: int) -> None:
    """One step below the limit of a low digit, at it, and past it; and a full lane."""
    pair = Pair(trained(24, 2))
    integers = integers_of(pair.compiled)
    sample = [integers.grid * (-1) ** at for at in range(24)]
    sample[feature] = sign * integers.grid
    edge = (1 << 15) - 1 if sign > 0 else -(1 << 15)
    for start in (edge - 2 * sign, edge - sign, edge):
        pair.put(feature, 0, start)
        pair.teach(sample, 0)
        assert pair.mirror.delta[feature, 0] == start + sign
        pair.compare(sample)
    limit = integers.digits.maximum if sign > 0 else integers.digits.minimum
    pair.put(feature, 0, limit - sign)
    pair.teach(sample, 0)
    pair.compare(sample)
    refused = pair.refuse(sample, 0)
    assert (refused.name, refused.values) == ("LaneOverflow", (feature * 2, limit + sign))


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("row", [0, 7, 8])
def test_a_class_is_counted_up_to_its_limit(
    monkeypatch: pytest.MonkeyPatch, row: int, warm: bool
) -> None:
    if not warm:
        monkeypatch.setattr("dcai_compile.delta_choice.WARM_GAS", 0)
    pair = Pair(trained(3, 9))
    most = pair.mirror.integers.fields[0].maximum
    for start in (0, (most >> 1) - 1, most - 2):
        pair.mirror.added = [5] * 9
        pair.mirror.added[row] = start
        pair.put(0, 0, 0)
        for _ in range(2):
            pair.teach([1, 2, 3], row)
            pair.compare([1, 2, 3])
        assert pair.mirror.added[row] == start + 2
    refused = pair.refuse([1, 2, 3], row)
    assert (refused.name, refused.values) == ("LaneOverflow", (3 * 9 + row, most + 1))


def test_all_classes_taught_and_some() -> None:
    """Published sums alone serve a class that was not taught; one pass serves those that were."""
    pair = Pair(trained(33, 4))
    rng = np.random.default_rng(0)
    samples = [rng.integers(-(10**9), 10**9, 33).tolist() for _ in range(3)]
    for classification in (2, 0, 2, 3, 1, 1):
        pair.teach(samples[classification % 3], classification)
        pair.compare(*samples)
    # What is no int64, or of another length, is refused as before.
    for words, name in (([1] * 32, "SampleLengthMismatch"), ([1] * 34, "SampleLengthMismatch")):
        refused = pair.refuse(words, 0)
        assert refused.name == name


def test_small_values_need_no_grid() -> None:
    """Where so many values fit in a low digit as they are, sums stay exact."""
    assert integers_of(trained(5, 2, spread=1e-9)).grid_bits == 0
    assert integers_of(trained(5, 2, spread=1e-7)).grid_bits == 0
    assert integers_of(trained(5, 2, spread=1e-5)).grid_bits > 0


def test_only_dense_models_that_learn_have_one(tmp_path: Path) -> None:
    X, y = models.text(200, 3)
    estimator = NearestCentroid().fit(X, y)
    assert (
        compile_bare(estimator, X, y).source == compile_bare(estimator, X, y, step_bits=16).source
    )
    X, y = data("iris")
    frozen = compile_bare(NearestCentroid().fit(X, y), X, y, step_bits=16, update="frozen")
    assert integers_of(frozen).grid_bits == 0
    narrow = compile_bare(NearestCentroid().fit(X, y), X, y, step_bits=16)
    again = load_artifact(narrow.save(tmp_path / "narrow"))
    assert again.source == narrow.source
    assert integers_of(again).grid_bits == integers_of(narrow).grid_bits > 0
    assert again.verify(X[:10], evm="revm", updates=(X[:5], y[:5])).passed


FAULTS = {
    "rounded down": everywhere(
        r"(add\(mload\(sub\(pointer, \d+\)\), )(\d+)\)", r"\1sub(\2, div(GRID, 2)))"
    ),
    "a lane runs into the next": everywhere(r"and\((old|steps), not\(tops\)\)", r"\1"),
    "a lane may leave its room": substitute(r"if left \{ break \}", ""),
    "the square stays": everywhere(r"shl\(\d+, sum\d+\)", "0"),
    "half of the square": substitute(r"mul\(GRID, square\)", "mul(div(GRID, 2), square)"),
    "a lesson lane by lane is not rounded": substitute(r"\(value \+ GRID / 2\) >>", "value >>"),
    "the published sums are forgotten": substitute(
        r"(?<=let sum0 := )add\(signextend\(\d, mload\(published\)\), ", "add(0, "
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    X, y = data("iris")
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y, step_bits=16, name="Faulty")
    broken = with_source(compiled, FAULTS[fault])
    # So often the same class that its lanes carry.
    report = broken.verify(X[:20], evm="revm", updates=(X[:90], np.full(90, y[0])))
    assert report.evm_mismatches > 0
    assert not report.passed
