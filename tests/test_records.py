"""Numbers of classes in storage: as narrow as the horizon needs, in few slots, with the flags."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled
from dcai_compile.records import StoredRecords
from tests import models
from tests.models import compile_bare
from tests.taught import Pair
from tests.test_wrong_on_purpose import substitute, with_source

pytestmark = pytest.mark.filterwarnings("ignore:.*zero standard deviation:UserWarning")


def words(n_features: int, n_classes: int) -> tuple[Any, Any]:
    """Texts of some classes, each of which is in them."""
    X, y = models.text(n_features, n_classes)
    y = np.arange(len(y)) % n_classes
    return X, y


def dense(n_features: int, n_classes: int, **options: Any) -> Compiled:
    rng = np.random.default_rng(n_features + n_classes)
    X = rng.integers(0, 9, (3 * n_classes, n_features)).astype(float)
    y = np.arange(len(X)) % n_classes
    return compile_bare(NearestCentroid().fit(X, y), X, y, encoding="dense", **options)


@cache
def made(kind: str) -> Compiled:
    """A small model whose classes are arranged as its name says."""
    if kind == "counts and flags in a slot":
        return dense(5, 3, step_bits=16)
    if kind == "counts in three slots, flags in the last":
        return dense(3, 40, step_bits=16)
    if kind == "counts in a slot, flags in their own":
        return dense(130, 14, step_bits=16)
    if kind == "flags in many slots":
        return dense(600, 2)
    if kind == "squares and flags in a slot":
        X, y = words(200, 2)
        return compile_bare(NearestCentroid().fit(X, y), X, y, encoding="indices")
    if kind == "squares in two slots, flags in the last":
        X, y = words(60, 5)
        return compile_bare(NearestCentroid().fit(X, y), X, y, encoding="indices")
    if kind == "squares that fall":
        X, y = words(60, 4)
        X = TfidfTransformer().fit_transform(X)
        X.data[::3] *= -1
        return compile_bare(NearestCentroid().fit(X, y), X, y, encoding="pairs")
    X, y = words(60, 9)
    if kind == "totals in two slots, flags in the last":
        return compile_bare(MultinomialNB().fit(X, y), X, y, encoding="indices")
    assert kind == "totals behind products"
    X, y = words(60, 3)
    return compile_bare(ComplementNB(norm=True).fit(X, y), X, y, encoding="indices")


# Slots of records, whether flags are in the last of them, whether all flags are in one word.
KINDS = {
    "counts and flags in a slot": (1, True, True),
    "counts in three slots, flags in the last": (3, True, True),
    "counts in a slot, flags in their own": (1, False, True),
    "flags in many slots": (1, False, False),
    "squares and flags in a slot": (1, True, True),
    "squares in two slots, flags in the last": (2, True, True),
    "squares that fall": (2, False, True),
    "totals in two slots, flags in the last": (2, True, True),
    "totals behind products": (1, True, True),
}


def sample_of(pair: Pair, feature: int, value: int = 1) -> list[int]:
    encoding = pair.compiled.integers.encoding
    if encoding.name == "dense":
        sample = [0] * encoding.n_features
        sample[feature] = value * 10**9
        return sample
    return [feature] if encoding.is_counts else [(feature << 32) | (value & 0xFFFF_FFFF)]


def records_of(compiled: Compiled) -> StoredRecords:
    records = compiled.layout.records
    assert records is not None
    return records


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_arrangement_learns(kind: str, cold: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = made(kind)
    if cold:
        monkeypatch.setattr("dcai_compile.delta_choice.WARM_GAS", 0)
        compiled = made.__wrapped__(kind)
    records, delta = records_of(compiled), compiled.layout.delta
    assert delta is not None
    assert delta.warm != cold
    shared = delta.flags_slot == records.first_slot + records.slots - 1
    assert (records.slots, shared, delta.in_word) == KINDS[kind]
    assert any("flags: " in reason for reason in compiled.layout.reasons)
    pair = Pair(compiled)
    last = records.table.records - 1
    samples = [
        sample_of(pair, feature) for feature in (0, 2, compiled.integers.encoding.n_features - 1)
    ]
    pair.compare(*samples)
    for number, row in enumerate((last, 0, records.per_slot % (last + 1), last, last // 2)):
        pair.teach(samples[number % 3], row)
        pair.compare(*samples)


def numbers_of(mirror: Any, name: str) -> list[int]:
    """The mirror's list behind a field."""
    names = {"samples": ("added", "samples"), "square": ("squares_added",), "total": ("totals",)}
    found: list[int] = next(getattr(mirror, n) for n in names[name] if hasattr(mirror, n))
    return found


FIELDS = [
    (kind, at) for kind in KINDS for at in range(1 if "counts" in kind or "many" in kind else 2)
]


@pytest.mark.parametrize(("kind", "at"), FIELDS)
def test_a_full_field_refuses_and_changes_nothing(kind: str, at: int) -> None:
    """Just below the limit, at it, and one past it; the neighbours learn on."""
    pair = Pair(made(kind))
    records = records_of(pair.compiled)
    field = records.table.fields[at]
    rows = {0, records.per_slot % records.table.records, records.table.records - 1}
    for row in sorted(rows):
        sample = sample_of(pair, 1)
        pair.teach(sample, row)
        for below in (1, 0):
            # What the next lesson adds, from the same sums.
            probe = deepcopy(pair.mirror)
            numbers_of(probe, field.name)[row] = 0
            probe.update_encoded(sample, row)
            grown = numbers_of(probe, field.name)[row]
            assert grown > 0
            numbers_of(pair.mirror, field.name)[row] = field.maximum - grown - below
            pair.put(1, row, int(pair.mirror.delta[1, row]))
            pair.teach(sample, row)
            pair.compare(sample)
            assert numbers_of(pair.mirror, field.name)[row] == field.maximum - below
        refused = pair.refuse(sample, row)
        features = pair.compiled.integers.encoding.n_features
        assert refused.name == "LaneOverflow"
        assert refused.values[0] == features * records.table.records + row
        assert refused.values[1] > field.maximum
        other = (row + 1) % records.table.records
        if other not in rows:
            pair.teach(sample, other)
            pair.compare(sample)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_squared_norm_may_fall_to_its_limit(row: int) -> None:
    pair = Pair(made("squares that fall"))
    field = records_of(pair.compiled).field("square")
    assert field.signed
    sums = pair.mirror.integers.sums[row]
    feature = int(np.argmax(np.abs(sums)))
    value = -1 if sums[feature] > 0 else 1
    sample = sample_of(pair, feature, value)
    pair.teach(sample, row)
    falls = pair.mirror.squares_added[row]
    assert falls < 0
    pair.compare(sample)
    for above in (1, 0):
        # A step of one unit changes what the next one changes by two.
        falls = 1 + 2 * value * int(pair.mirror.sums()[row][feature])
        pair.mirror.squares_added[row] = field.minimum - falls + above
        pair.put(feature, row, int(pair.mirror.delta[feature, row]))
        pair.teach(sample, row)
        pair.compare(sample)
        assert pair.mirror.squares_added[row] == field.minimum + above
    refused = pair.refuse(sample, row)
    assert refused.name == "LaneOverflow"
    assert refused.values[1] < field.minimum
    pair.teach(sample, 3 - row)
    pair.compare(sample)


FAULTS = {
    ("squares and flags in a slot", "a square is in the wrong place"): substitute(
        r"or\(samples, shl\(\d+, square\)\)", "or(samples, shl(9, square))"
    ),
    ("squares that fall", "a sign is forgotten"): substitute(
        r"add\((\d+), sar\((\d+), (shl\(\d+, word\))\)\)", r"add(\1, shr(\2, \3))"
    ),
    ("squares and flags in a slot", "flags are forgotten"): substitute(
        r"word := flags", "word := sload(FLAGS_SLOT)"
    ),
    ("counts in three slots, flags in the last", "flags of other slots are forgotten"): substitute(
        r"sstore\(FLAGS_SLOT, flags\)", ""
    ),
    ("counts and flags in a slot", "a class thought untaught"): substitute(
        r"shl\(255, shr\(\d+, taught\)\)", "0"
    ),
}


@pytest.mark.parametrize(("kind", "fault"), FAULTS)
def test_fault_is_found(kind: str, fault: str) -> None:
    pair = Pair(with_source(made(kind), FAULTS[kind, fault]))
    with pytest.raises(AssertionError):
        for value in (-1, 1, -2):
            sample = sample_of(pair, 1, value)
            for row in range(min(3, records_of(pair.compiled).table.records)):
                pair.teach(sample, row)
                pair.compare(sample)
