"""Low digits of every width, on an EVM: at both ends of their lanes always what the mirror says."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, delta_choice
from dcai_compile.delta import CARRIED, NOT_ZERO
from tests import models
from tests.models import compile_bare
from tests.taught import Pair

WORDS = 203
"""Divided by none of the numbers of lanes in a slot."""

CLASSES = {
    "perceptron": 2,
    "perceptron of three": 3,
    "perceptron, cold": 2,
    "multinomial": 2,
    "multinomial, cold": 2,
    "multinomial of five": 5,
    "multinomial of many": 60,
    "multinomial, shared flags": 10,
    "complement, normed": 4,
    "bernoulli": 3,
    "centroid": 3,
    "centroid of five": 5,
    "multinomial pairs": 2,
    "centroid pairs": 3,
    "perceptron pairs": 2,
    "log loss": 2,
}
COLD = ("perceptron, cold", "multinomial, cold", "multinomial of many")
GROWING = ("multinomial", "complement", "bernoulli")
COUNTED = [kind for kind in CLASSES if "pairs" not in kind and kind != "log loss"]
FINE = [kind for kind in CLASSES if kind not in COUNTED]
CASES = [(kind, bits) for bits in (5, 6) for kind in COUNTED]
CASES += [("perceptron", 4), ("perceptron", 7), ("multinomial", 4), ("multinomial of five", 7)]
CASES += [(kind, bits) for bits in (9, 15) for kind in FINE]
CASES += [("log loss", 24)]
EACH = pytest.mark.parametrize(("kind", "bits"), CASES)


def made(kind: str) -> Any:
    if "perceptron" in kind:
        return Perceptron(random_state=0)
    if kind == "log loss":
        return models.sgd("log_loss")
    if "complement" in kind:
        return ComplementNB(norm=True)
    if kind == "bernoulli":
        return BernoulliNB()
    return MultinomialNB() if "multinomial" in kind else NearestCentroid()


@cache
def compiled_with(kind: str, bits: int) -> Compiled:
    """A model whose low digits are as wide as a test wants them."""
    X, y = models.text(WORDS, CLASSES[kind])
    if "pairs" in kind:
        X = X * 0.5
    X = X.tolil()
    X[0, 3] = 40
    if "shared" in kind:
        X.resize(X.shape[0], 1_203)  # words that no sample has
    if "cold" in kind:
        X.resize(X.shape[0], 20_003)
    X = X.tocsr()
    options: dict[str, Any] = {"step_bits": 16} if kind in ("perceptron pairs", "log loss") else {}

    def only(table: Any) -> Any:
        yield delta_choice.replace(table, digits=table.digits.narrowed(bits, table.grows))

    with patch.object(delta_choice, "widths", only):
        estimator = made(kind).fit(X, y)
        encoding = "pairs" if "pairs" in kind else "indices"
        return compile_bare(estimator, X, y, encoding=encoding, name="Widths", **options)


def sample_of(pair: Pair, features: list[int], value: int = 1) -> list[int]:
    """The features, each so many times or with so many units, as the contract takes them."""
    if pair.compiled.integers.encoding.name == "indices":
        if pair.compiled.integers.encoding.max_count == 1:
            value = 1
        return [feature for feature in features for _ in range(value)]
    return [(feature << 32) + value for feature in sorted(set(features))]


def corners(pair: Pair) -> list[int]:
    """Features with the first and the last lane of a slot, and those beside them."""
    layout, last = pair.layout, WORDS - 1
    edge = max(1, layout.group)
    return sorted({0, 1, edge - 1, edge, min(2 * edge, last) - 1, last - 1, last})


@EACH
def test_a_lane_is_taught_at_both_ends_of_its_range(kind: str, bits: int) -> None:
    pair = Pair(compiled_with(kind, bits))
    digits, rows = pair.layout.table.digits, pair.layout.table.rows
    assert digits.low_bits == bits and pair.layout.warm == (kind not in COLD)
    assert digits.unsigned == (kind.startswith(GROWING) or kind.startswith("centroid")) * (
        kind != "centroid pairs" and bits % 8 != 0
    )
    assert pair.layout.sharing > 1 or "shared" not in kind
    size, features = 1 << bits, corners(pair)
    least = 0 if pair.layout.table.grows else digits.least
    # In front of and behind every carry of the first digits, and below zero where there is such a thing.
    ends = [end + near for end in (digits.least, digits.least + size) for near in (-1, 0)]
    ends += [0, 1, digits.least + 2 * size - 1]
    rng = np.random.default_rng(bits)
    seen = set()
    if kind == "bernoulli":  # of which no feature is in more samples than there are
        pair.mirror.samples = [1_000] * rows
    for start in sorted({end for end in ends if end >= least - (0 if least == 0 else size)}):
        for row in range(min(rows, 3)):
            for number, feature in enumerate(features):
                pair.mirror.delta[feature, row] = start if number % 2 else 0
        pair.evm.put_storage(pair.address, dict.fromkeys(pair.slots, 0))
        pair.put(features[1], 0, start)
        pair.compare(sample_of(pair, features))
        for classification in range(min(rows, 2) if rows > 1 else 2):
            chosen = sorted(rng.choice(features, 4, replace=False).tolist())
            for value in (1, 3):
                pair.teach(sample_of(pair, chosen, value), classification)
                pair.compare(sample_of(pair, features), sample_of(pair, chosen, 2))
            seen |= {pair.flag(feature, classification % rows) for feature in features}
    assert NOT_ZERO | CARRIED in seen


@EACH
def test_lessons_of_any_words_are_those_of_the_mirror(kind: str, bits: int) -> None:
    """So many that many lanes carry, some of them by several digits at once."""
    pair = Pair(compiled_with(kind, bits))
    limit = pair.mirror.integers
    longest = 1 + (0 if kind == "bernoulli" else min(30, getattr(limit, "max_value", 30)))
    fine = kind in FINE and kind != "log loss"
    classes = len(pair.compiled.integers.model.classes)
    rng = np.random.default_rng(bits)
    for lesson in range(60):
        words = rng.permutation(WORDS)[: int(rng.integers(1, 12))].tolist()
        if lesson % 3 == 0:
            words += [7] * int(rng.integers(longest))
        value = int(rng.integers(1, getattr(pair.mirror.integers, "max_value", 2))) if fine else 1
        pair.teach(sample_of(pair, words, value), int(rng.integers(classes)))
        if lesson % 6 == 0:
            pair.compare(sample_of(pair, words), sample_of(pair, [7, 8, WORDS - 1]))
    pair.compare(sample_of(pair, [7, 8, WORDS - 1]))


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
@pytest.mark.parametrize("kind", ["perceptron", "perceptron, cold"])
def test_a_weight_goes_up_and_down_and_leaves_nothing_behind(kind: str, bits: int) -> None:
    """Over two carries up, back, over two below zero, and back: every flag and wide digit is cleared."""
    pair = Pair(compiled_with(kind, bits))
    feature = pair.layout.per_slot - 1  # the last lane of a slot
    size, value, flags = 1 << bits, 0, []
    steps = [1] * (2 * size) + [-1] * (4 * size) + [1] * (2 * size)
    for step in steps:
        # An intercept with which the model is wrong.
        pair.mirror.intercept_delta[0] = -step * 10**12
        pair.put(feature, 0, value)
        pair.teach([feature], 1 if step > 0 else 0)
        value += step
        assert pair.mirror.delta[feature, 0] == value
        pair.compare_words()
        flags.append(pair.flag(feature, 0))
        if value % size in (0, size // 2, size // 2 - 1):
            pair.compare([feature], [feature - 1, feature, feature + 1])
    assert value == 0 and flags[-1] == 0
    assert {NOT_ZERO, CARRIED, NOT_ZERO | CARRIED, 0} <= set(flags)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_full_lane_of_narrow_digits_refuses(sign: int) -> None:
    pair = Pair(compiled_with("perceptron", 5))
    digits = pair.layout.table.digits
    limit = digits.maximum if sign > 0 else digits.minimum
    for room in (1, 0):
        pair.mirror.intercept_delta[0] = -sign * 10**15
        pair.put(9, 0, limit - sign * room)
        if room:
            pair.teach([9], 1 if sign > 0 else 0)
            pair.compare([9], [8, 9, 10])
        else:
            refused = pair.refuse([8, 9], 1 if sign > 0 else 0)
            assert (refused.name, refused.values) == ("LaneOverflow", (9, limit + sign))


def test_a_full_count_of_narrow_digits_refuses() -> None:
    for kind in ("multinomial", "centroid"):
        pair = Pair(compiled_with(kind, 5))
        rows, limit = pair.layout.table.rows, pair.layout.table.digits.maximum
        pair.put(9, 1, limit - 1)
        pair.teach([8, 9], 1)
        pair.compare([8, 9])
        refused = pair.refuse([8, 9], 1)
        assert (refused.name, refused.values) == ("LaneOverflow", (9 * rows + 1, limit + 1))


def test_wide_estimators_have_lanes_of_whole_bytes_still() -> None:
    """Dense models work on whole words."""
    X, y = models.iris()
    for estimator in (Perceptron(random_state=0), NearestCentroid()):
        compiled = compile_bare(estimator.fit(X, y), X, y, encoding="dense", name="Dense")
        assert compiled.layout.delta is not None
        assert not compiled.layout.delta.table.digits.masked
