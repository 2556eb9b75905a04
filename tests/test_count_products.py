"""Products of counts: proved errors against exact integers, and likelihoods against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

from dcai_compile import bigfloat
from dcai_compile.choose import choose_encoding
from dcai_compile.families import extract, family_of
from dcai_compile.families.count_bayes.bounds import PRODUCT_ERROR
from dcai_compile.families.count_bayes.integers import CountIntegers
from dcai_compile.families.count_bayes.products import groups, power_product, product
from dcai_compile.model import Options
from tests.models import compile_bare

quick = settings(max_examples=60, deadline=None)


def value(number: tuple[int, int]) -> Fraction:
    return Fraction(number[0]) * Fraction(2) ** number[1]


@quick
@given(st.data(), st.integers(1, bigfloat.MAX_FACTOR_BITS))
def test_product_is_too_low_by_less_than_is_proved(data: st.DataObject, bits: int) -> None:
    factors = data.draw(st.lists(st.integers(1, (1 << bits) - 1), max_size=300))
    exact = Fraction(prod(factors))
    loss = 1 - value(product(factors, bits)) / exact
    assert 0 <= loss <= len(factors) * bigfloat.SMALL_ROUNDOFF + bigfloat.ROUNDOFF


@quick
@given(st.data(), st.integers(1, bigfloat.MAX_FACTOR_BITS))
def test_powers_are_too_low_by_less_than_is_proved(data: st.DataObject, bits: int) -> None:
    pairs = st.tuples(st.integers(1, (1 << bits) - 1), st.integers(0, 4000))
    chosen = data.draw(st.lists(pairs, max_size=6))
    factors, powers = [f for f, _ in chosen], [p for _, p in chosen]
    exact = Fraction(prod(f**p for f, p in chosen))
    loss = 1 - value(power_product(factors, powers, bits)) / exact
    counted = sum(powers) + 1
    assert 0 <= loss <= Fraction(PRODUCT_ERROR) * counted


def exact_likelihood(
    kind: str, counts: Any, samples: Any, alpha: Fraction, row: int, x: Any
) -> Fraction:
    """scikit-learn's formulas in fractions."""
    if kind == "bernoulli":
        whole = int(samples[row]) + 2 * alpha
        shares = [(int(c) + alpha) / whole for c in counts[row]]
        factors = [p if present else 1 - p for p, present in zip(shares, x, strict=True)]
        return prod(factors, start=Fraction(int(samples[row]), int(sum(samples))))
    table = counts if kind == "multinomial" else counts.sum(axis=0) - counts
    whole = int(table[row].sum()) + alpha * table.shape[1]
    factors = [((int(c) + alpha) / whole) ** int(n) for c, n in zip(table[row], x, strict=True)]
    if kind == "complement":
        return 1 / prod(factors, start=Fraction(1))
    return prod(factors, start=Fraction(int(samples[row]), int(sum(samples))))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_scores_are_likelihoods(data: st.DataObject) -> None:
    """Of any counts, within the proved relative error: the packed number, before any logarithm."""
    n_classes, n_features = data.draw(st.integers(2, 4)), data.draw(st.integers(2, 6))
    sample = st.lists(st.integers(0, 9), min_size=n_features, max_size=n_features)
    X = np.array(data.draw(st.lists(sample, min_size=n_classes, max_size=12)))
    y = np.arange(len(X)) % n_classes
    alpha = data.draw(st.sampled_from([1.0, 0.5, 0.1, 3.0, 1e-3, 1e-10]))
    asked = np.array([data.draw(sample)])
    kinds = {"multinomial": MultinomialNB, "complement": ComplementNB, "bernoulli": BernoulliNB}
    for kind, estimator in kinds.items():
        model: Any = extract(estimator(alpha=alpha).fit(X, y), Options())
        family = family_of(model.family)
        wire = choose_encoding("indices", model.features(X), min_length=0)
        integers = family.quantize(model, model.features(X), None, wire, Options())
        mirror: Any = family.mirror(integers)
        (sent,) = mirror.encode_features(model.features(asked))
        (scores,) = mirror.scores([sent])
        exact_alpha = Fraction(alpha).limit_denominator(10**11)
        for row, score in enumerate(scores):
            x = (asked[0] > 0) if kind == "bernoulli" else asked[0]
            exact = exact_likelihood(kind, model.counts, model.class_counts, exact_alpha, row, x)
            found = value(bigfloat.unpack(score))
            if kind != "complement":
                found /= int(model.class_counts.sum())  # common to all classes, and left out
            assert abs(found / exact - 1) < Fraction(PRODUCT_ERROR) * (60 + n_features) * 10


@pytest.mark.parametrize("bits", [20, 40, 64, 78])
def test_groups_are_taken_where_nothing_has_to_be_shifted(bits: int) -> None:
    """What the model of gas counts: every factor once, and small ones four at a time."""
    size = min(4, 256 // bits)
    assert groups([1] * (3 * size + 1), bits) == (3, 1)
    assert groups([], bits) == (0, 0)
    grouped, singles = groups([(1 << bits) - 1 - i for i in range(17)], bits)
    assert grouped * size + singles == 17
    assert singles > 0


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("update", ["auto", "frozen"])
def test_samples_are_one_factor_more_and_there_is_room_for_it(n_classes: int, update: str) -> None:
    """A class of 2**20 samples that hardly have words: none of its numerators comes near their number."""
    rng = np.random.default_rng(n_classes)
    estimator = MultinomialNB()
    estimator.classes_ = np.arange(n_classes)
    estimator.feature_count_ = rng.integers(0, 8, (n_classes, 30)).astype(float)
    estimator.class_count_ = np.append(np.full(n_classes - 1, 3.0), (1 << 20) - 1)
    estimator.n_features_in_ = 30
    estimator.feature_log_prob_ = estimator.feature_count_
    estimator.class_log_prior_ = np.log(estimator.class_count_)
    X = rng.integers(0, 9, (20, 30))
    compiled = compile_bare(estimator, X, update=update, name="Prior")
    integers: CountIntegers = compiled.integers  # type: ignore[assignment]
    assert integers.prior_is_factor and "divPacked" in compiled.source["Prior.sol"]
    most = max(integers.class_counts) + (integers.fields[0].maximum if integers.updatable else 0)
    assert most < 1 << integers.factor_bits
    lessons = (X, np.arange(20) % n_classes) if update == "auto" else None
    report = compiled.verify(X, evm="revm", updates=lessons)
    assert report.evm_mismatches == 0 and report.samples == 20
