"""Loops that take several elements at once: at every place of an element, on an EVM, what the mirror says."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from dcai_compile import Compiled, abi
from dcai_compile.delta import MOVED
from dcai_compile.encoding import TO_FLOAT
from tests import models
from tests.models import compile_bare
from tests.taught import Pair

FEW = range(1, 10)
"""Lengths of samples: two groups of four, and what is left."""


@pytest.mark.parametrize("bad", [-1, 200, 1 << 32, -(1 << 63)])
def test_a_bad_index_is_found_wherever_it_stands(bad: int) -> None:
    pair = Pair(models.sparse_binary())
    for length in FEW:
        for position in range(length):
            sample = list(range(length))
            sample[position] = bad
            refused = pair.refuse(sample, 0)
            assert (refused.name, refused.values) == ("FeatureIndexOutOfRange", (position, bad))
            asked = pair.evm.call(pair.address, abi.sample_call(abi.PREDICT, sample))
            assert asked.output == pair.error(refused.name, *refused.values)


@cache
def repeating() -> Compiled:
    """Of words that are present or not, so that a lesson names none twice."""
    X, y = models.text()
    X = (X > 0).astype(float)
    return compile_bare(models.sgd("perceptron").fit(X, y), X, encoding="indices", name="Present")


def test_an_index_is_found_to_be_repeated_wherever_it_stands() -> None:
    pair = Pair(repeating())
    assert pair.compiled.integers.encoding.max_count == 1
    for length in FEW:
        for first, second in combinations(range(length), 2):
            # Neighbours are in order but for this.
            sample = list(range(20, 20 + length))
            sample[second] = sample[first]
            refused = pair.refuse(sample, 0)
            assert (refused.name, refused.values) == ("FeatureRepeated", (second, 20 + first, 1))


def test_indices_in_any_order_teach_the_same() -> None:
    pair = Pair(models.sparse_binary())
    rng = np.random.default_rng(2)
    for length in FEW:
        sample = rng.permutation(200)[:length].tolist()
        pair.compare(sample, sorted(sample))
        for label in (0, 1):
            pair.teach(sample, label)
            pair.compare(sample, sorted(sample))


@cache
def narrow(features: int, rule: str = "perceptron") -> Compiled:
    """Dense, with lanes of 16 bits, that some lessons fill at once."""
    estimator = SGDClassifier()
    estimator.coef_, estimator.intercept_ = np.full((1, features), 0.5), np.zeros(1)
    estimator.classes_, estimator.n_features_in_ = np.arange(2), features
    return compile_bare(
        estimator,
        np.eye(features),
        encoding="dense",
        update=rule,
        learning_rate=1.0 if rule == "perceptron" else 0.01,
        step_bits=16,
        name="Narrow",
    )


@pytest.mark.parametrize("rule", ["perceptron", "squared_hinge"])
@pytest.mark.parametrize("features", [1, 7, 16, 33])
def test_a_dense_lesson_is_that_of_the_mirror_up_to_the_ends_of_every_lane(
    features: int, rule: str
) -> None:
    """Lanes at, before and beyond the ends of their range, with steps of either sign in every lane."""
    pair = Pair(narrow(features, rule))
    digits, limit = pair.layout.table.digits, 1 << (pair.layout.table.digits.low_bits - 1)
    assert digits.low_bits == 16
    largest = 2 * TO_FLOAT
    rng = np.random.default_rng(features)
    beyond, far = 0, int(1_000 / pair.compiled.integers.score_unit)
    for trial in range(60):
        low = rng.choice([-limit, -limit + 1, -1, 0, 1, limit - 2, limit - 1], features)
        lanes = low if trial % 3 else np.zeros(features, np.int64)
        for feature, lane in enumerate(lanes.tolist()):
            pair.mirror.delta[feature, 0] = lane
        # The more wrong a score, the longer the step of the squared hinge.
        pair.mirror.intercept_delta[0] = trial % 2 * far
        # Wide digits of the last trial are gone.
        pair.evm.put_storage(pair.address, dict.fromkeys(pair.slots, 0))
        pair.put(0, 0, int(lanes[0]))
        sample = rng.choice([-largest, -largest // 2, -1, 0, 1, largest // 3, largest], features)
        before = pair.mirror.delta[:, 0].tolist()
        score = pair.mirror.scores([sample])[0][0]
        pair.teach(sample.tolist(), 0 if score > 0 else 1)
        pair.compare(sample.tolist())
        after = pair.mirror.delta[:, 0].tolist()
        beyond += any(abs(new - old) > limit for new, old in zip(after, before, strict=True))
    # One step of the perceptron is never that long.
    assert (beyond > 0) == (rule != "perceptron")


def test_values_beyond_a_glance_are_taught_up_to_the_limit() -> None:
    """Below a power of two a sample is seen at a glance, up to the limit value by value."""
    pair = Pair(narrow(7))
    plan = pair.compiled.integers.plan
    limit = plan.max_value
    for value in (limit, -limit, (1 << (limit.bit_length() - 1)) + 1):
        for position in range(7):
            sample = [0] * 7
            sample[position] = value
            pair.compare(sample)
            for label in (0, 1):
                pair.teach(sample, label)
            sample[position] += 1 if value > 0 else -1
            if abs(value) == limit:
                refused = pair.refuse(sample, 0)
                assert refused.name == "FeatureValueOutOfRange"
                assert refused.values == (position, sample[position], limit)


@cache
def few_words() -> Compiled:
    """Three classes, and so few words that all flags are in one slot."""
    X, y = models.text(40, 3)
    return compile_bare(models.sgd("perceptron").fit(X, y), X, encoding="indices", name="Few")


@pytest.mark.parametrize("kind", ["dense", "indices"])
def test_intercepts_of_many_rows_are_read_once_one_has_moved(kind: str) -> None:
    compiled = models.dense_multiclass() if kind == "dense" else few_words()
    layout = compiled.layout
    assert layout.moved_bit == MOVED
    pair = Pair(compiled, "revm")
    sample = list(compiled.examples[0])

    def flagged() -> bool:
        return bool(pair.evm.storage(pair.address, pair.layout.flags_slot) & MOVED)

    assert not flagged()
    pair.compare(sample)
    right = pair.mirror.decide(pair.mirror.scores([np.array(sample, np.int64)])[0])
    pair.teach(sample, (right + 1) % 3)
    moved = list(pair.mirror.intercept_delta)
    assert any(moved) and flagged()
    pair.compare(sample)
    # Back to zero, all of them, by a lesson that moves them as the first one did.
    fresh = Pair(compiled)
    steps = [-step for step in moved]
    fresh.mirror.intercept_delta = steps
    fresh.evm.put_storage(fresh.address, layout.words(fresh.mirror.state()))
    fresh.compare(sample)
    fresh.teach(sample, (right + 1) % 3)
    fresh.compare(sample)


def test_a_model_of_one_row_has_no_flag_of_intercepts() -> None:
    assert models.dense_binary().layout.moved_bit == 0
