"""Weights as integers: the narrowest lane that keeps every class, and a bound that holds."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Perceptron

from dcai_compile.encoding import Encoding, as_samples
from dcai_compile.errors import InvalidOption, PrecisionUnreachable
from dcai_compile.families import extract, family_of
from dcai_compile.families.linear.grid import WEIGHT_BITS, decide
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.mirror import LinearMirror
from dcai_compile.model import Options

SEEDS = pytest.mark.parametrize("seed", range(6))
LEARNERS = pytest.mark.parametrize("update", ["frozen", "perceptron", "log_loss"])


def dense(n_features: int) -> Encoding:
    return Encoding("dense", n_features, n_features)


def words(n_features: int) -> Encoding:
    return Encoding("indices", n_features, 64)


def integer_model(
    coef: Any, intercept: Any, X: Any, wire: Encoding, update: str = "frozen", **options: Any
) -> LinearIntegers:
    """The integers of a LogisticRegression with these parameters."""
    estimator = LogisticRegression()
    estimator.coef_ = np.atleast_2d(np.asarray(coef, np.float64))
    estimator.intercept_ = np.atleast_1d(np.asarray(intercept, np.float64))
    estimator.classes_ = np.arange(max(2, len(estimator.coef_)))
    estimator.n_features_in_ = estimator.coef_.shape[1]
    asked = Options(update=update, **options)
    model = family_of("linear").quantize(
        extract(estimator, asked), as_samples(X, wire.n_features), None, wire, asked
    )
    assert isinstance(model, LinearIntegers)
    return model


def random_model(seed: int, kind: str, update: str = "frozen", **options: Any) -> Any:
    """A random model of one or three rows, with its calibration samples."""
    rng = np.random.default_rng(seed)
    rows, features = (1, 3)[seed % 2], 5
    coef = rng.normal(size=(rows, features)) * 10.0 ** rng.integers(-2, 3)
    intercept = rng.normal(size=rows)
    X = rng.normal(size=(12, features)) if kind == "dense" else rng.integers(0, 3, (12, features))
    if kind == "indices":
        X[:, 0] += 1
    wire = dense(features) if kind == "dense" else words(features)
    return integer_model(coef, intercept, X, wire, update, **options), X


def exact_scores(model: LinearIntegers, x: Any) -> list[Fraction]:
    """``w x + b`` of the trained doubles, without any rounding."""
    values = [Fraction(float(value)) for value in x]
    return [
        sum((Fraction(w) * v for w, v in zip(ws, values, strict=True)), Fraction(b))
        for ws, b in zip(model.model.coef.tolist(), model.model.intercept.tolist(), strict=True)
    ]


def integer_scores(model: LinearIntegers, x: Any) -> list[Fraction]:
    """The real values of the contract's scores."""
    sample = model.encoding.encode(np.atleast_2d(x))
    return [score * model.score_unit for score in LinearMirror(model).scores(sample)[0]]


# The narrowest lane


def error_of_rounding(model: LinearIntegers, x: Any, unit: Fraction, base: Fraction) -> Fraction:
    """The proved error of a sample's worst score with weights in whole `unit`s, exactly."""
    wire = Fraction(0) if model.encoding.name == "indices" else Fraction(1, 2 * 10**9)
    score_unit = min(unit, base) / (model.encoding.scale * model.grid.factor_k)
    worst = Fraction(0)
    for weights, b in zip(model.model.coef.tolist(), model.model.intercept.tolist(), strict=True):
        error = abs(round(Fraction(b) / score_unit) * score_unit - Fraction(b))
        for w, value in zip(weights, x, strict=True):
            exact, size = Fraction(w), abs(Fraction(float(value)))
            rounded = abs(round(exact / unit) * unit - exact)
            at_wire = wire if size.denominator != 1 else Fraction(0)
            error += (size + at_wire) * rounded + abs(exact) * at_wire
        worst = max(worst, error)
    return worst


def finest_unit(model: LinearIntegers, bits: int, base: Fraction) -> Fraction:
    """The finest power of two times `base` in which every weight fits in so many bits."""
    largest = max(abs(Fraction(w)) for w in model.model.coef.ravel().tolist())
    limit, unit = 2 ** (bits - 1) - 1, base
    while round(largest / unit) > limit:
        unit *= 2
    while round(largest / (unit / 2)) <= limit:
        unit /= 2
    return unit


def margin(scores: list[Fraction]) -> Fraction:
    if len(scores) == 1:
        return abs(scores[0])
    first, second = sorted(scores, reverse=True)[:2]
    return first - second


@SEEDS
@LEARNERS
@pytest.mark.parametrize("kind", ["dense", "indices"])
def test_a_narrower_lane_would_not_keep_every_class(seed: int, update: str, kind: str) -> None:
    model, X = random_model(seed, kind, update)
    base = Fraction(model.grid.fine_unit * model.grid.factor_e) if model.plan else Fraction(1)
    for bits in WEIGHT_BITS[:5]:
        unit = finest_unit(model, bits, base)
        # A frozen model's scores are counted in units of its weights alone.
        errors = [error_of_rounding(model, x, unit, base if model.plan else unit) for x in X]
        margins = [margin(exact_scores(model, x)) for x in X]
        proved = all(gap > 2 * error for gap, error in zip(margins, errors, strict=True))
        assert proved == (bits >= model.grid.bits)


@SEEDS
@LEARNERS
@pytest.mark.parametrize("kind", ["dense", "indices"])
def test_weights_fill_their_lanes_and_no_more(seed: int, update: str, kind: str) -> None:
    model, _ = random_model(seed, kind, update)
    limit = 2 ** (model.grid.bits - 1) - 1
    assert limit / 2 - 1 <= np.abs(model.grid.weights).max() <= limit


@SEEDS
@LEARNERS
@pytest.mark.parametrize("kind", ["dense", "indices"])
def test_every_calibration_sample_keeps_its_class(seed: int, update: str, kind: str) -> None:
    model, X = random_model(seed, kind, update)
    for x in X:
        assert decide(integer_scores(model, x)) == decide(exact_scores(model, x))


def test_a_closer_call_needs_a_wider_lane() -> None:
    bits = [
        integer_model([1 / 3, -1 / 7], [0.0], [[1.0, 7 / 3 + gap]], dense(2)).grid.bits
        for gap in (1.0, 1e-3, 1e-6)
    ]
    assert bits == sorted(set(bits))


@pytest.mark.parametrize("bits", WEIGHT_BITS)
def test_a_width_may_be_chosen(bits: int) -> None:
    model, _ = random_model(0, "dense", weight_bits=max(bits, 16))
    assert model.grid.bits == max(bits, 16)


@pytest.mark.parametrize("bits", [0, 7, 12, 65, 128, -8, "wide", None, 8.5, True])
def test_a_width_that_is_none_is_an_invalid_option(bits: Any) -> None:
    with pytest.raises(InvalidOption, match="weight_bits") as caught:
        random_model(0, "dense", weight_bits=bits)
    assert (caught.value.option, caught.value.value) == ("weight_bits", bits)


# The bound


@LEARNERS
@pytest.mark.parametrize("kind", ["dense", "indices"])
def test_no_sample_of_the_calibration_range_errs_by_more_than_the_bound(
    update: str, kind: str
) -> None:
    models = [random_model(seed, kind, update) for seed in range(4)]
    if kind == "dense":  # weights that are exact, so that all of the error is the wire's
        X = np.array([[0.7, -0.3]])
        models.append((integer_model([1.0, -0.5], [0.25], X, dense(2), update), X))

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        model, X = data.draw(st.sampled_from(models))
        largest = np.abs(X).max(axis=0)
        if kind == "indices":
            x = [data.draw(st.integers(0, int(top))) for top in largest]
            x[0] = max(x[0], 1)
        else:
            x = [data.draw(st.floats(-top, top)) for top in largest]
        for ours, exact in zip(integer_scores(model, x), exact_scores(model, x), strict=True):
            assert abs(ours - exact) <= Fraction(model.bound)

    check()


@SEEDS
@pytest.mark.parametrize("update", ["frozen", "perceptron"])
def test_the_bound_is_no_fiction(seed: int, update: str) -> None:
    # The corner with the signs of the rounding errors comes near it.
    model, X = random_model(seed, "dense", update, weight_bits=16)
    unit = model.grid.fine_unit * model.grid.factor_a
    worst = Fraction(0)
    for q, w in zip(model.grid.weights.tolist(), model.model.coef.tolist(), strict=True):
        signs = [1 if a * unit > Fraction(b) else -1 for a, b in zip(q, w, strict=True)]
        corner = np.abs(X).max(axis=0) * signs
        ours, exact = integer_scores(model, corner), exact_scores(model, corner)
        worst = max(worst, *(abs(a - b) for a, b in zip(ours, exact, strict=True)))
    assert worst <= Fraction(model.bound) < 4 * worst


def test_each_samples_own_bound_holds() -> None:
    model, X = random_model(1, "dense", "hinge")
    ours, _ = family_of("linear").error_bounds(model, X)
    for x, bound in zip(X, ours.tolist(), strict=True):
        for score, exact in zip(integer_scores(model, x), exact_scores(model, x), strict=True):
            assert abs(score - exact) <= Fraction(bound)
        assert bound <= model.bound


def test_scikit_learns_own_rounding_is_within_its_bound() -> None:
    for seed in range(20):
        model, X = random_model(seed, "dense")
        _, theirs = family_of("linear").error_bounds(model, X)
        computed = X @ model.model.coef.T + model.model.intercept
        for x, row, bound in zip(X, computed.tolist(), theirs.tolist(), strict=True):
            for score, exact in zip(row, exact_scores(model, x), strict=True):
                assert abs(Fraction(score) - exact) <= Fraction(bound)


@pytest.mark.parametrize("eta", [1.0, 0.5, 0.1])
def test_a_perceptron_on_counts_is_exact(eta: float) -> None:
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.integers(0, 3, (30, 8)) + np.eye(30, 8, dtype=np.int64))
    estimator = Perceptron(eta0=0.5, fit_intercept=False).fit(X, rng.integers(0, 3, 30))
    # Powers of two of any rate are multiples of it in doubles too.
    steps = np.sign(estimator.coef_) * 2 ** np.floor(np.abs(estimator.coef_) / 0.5)
    estimator.coef_ = steps * eta
    asked = Options(learning_rate=eta)
    model = family_of("linear").quantize(extract(estimator, asked), X, None, words(8), asked)
    assert isinstance(model, LinearIntegers)
    assert model.bound == 0.0
    in_steps = model.grid.weights * Fraction(model.grid.factor_a, model.grid.factor_e)
    assert in_steps.tolist() == steps.tolist()


def test_an_untrained_model_is_exact() -> None:
    for update in ("frozen", "perceptron"):
        model = integer_model(np.zeros((1, 3)), [0.0], np.eye(3), dense(3), update)
        assert (model.grid.bits, model.bound) == (8, 0.0)
        assert LinearMirror(model).predict(np.eye(3)).tolist() == [0, 0, 0]


# Ties


def test_a_tie_that_integers_keep_is_kept() -> None:
    model = integer_model([1.0, -1.0], [0.0], [[0.3, 0.3], [0.5, 0.25]], dense(2))
    assert LinearMirror(model).predict([[0.3, 0.3]]).tolist() == [0]


def test_the_first_of_equal_rows_wins() -> None:
    model = integer_model(np.ones((3, 2)), np.zeros(3), [[0.3, 0.7]], dense(2))
    assert LinearMirror(model).predict([[0.3, 0.7]]).tolist() == [0]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_tie_that_integers_lose_is_named(rows: int) -> None:
    # The wire cannot tell a difference of 1e-12.
    coef = [[1.0, -1.0]] if rows == 1 else [[0.0, 1.0], [1.0, 0.0], [-9.0, -9.0]]
    X = [[0.5, 0.25], [0.5 + 1e-12, 0.5]]
    with pytest.raises(PrecisionUnreachable, match="calibration sample 1") as caught:
        integer_model(coef, np.zeros(len(coef)), X, dense(2))
    error = caught.value
    assert (error.sample, error.margin) == (1, pytest.approx(1e-12, rel=1e-3))
    assert error.margin <= 2 * error.bound
    assert "leave this sample out" in error.hint


def test_a_width_too_narrow_names_the_sample_and_itself() -> None:
    X = [[1.0, 0.0], [1.0, 7 / 3 + 1e-3]]
    with pytest.raises(PrecisionUnreachable, match="8-bit weights") as caught:
        integer_model([1 / 3, -1 / 7], [0.0], X, dense(2), weight_bits=8)
    assert (caught.value.sample, caught.value.bits) == (1, 8)
    assert "weight_bits='auto'" in caught.value.hint


# Decisions


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0], 0), ([1], 1), ([-1], 0), ([3, 3, 2], 0), ([2, 3, 3], 1), ([-1, -2, 0], 2)],
)
def test_decisions_are_scikit_learns(scores: list[int], expected: int) -> None:
    assert decide(scores) == expected
