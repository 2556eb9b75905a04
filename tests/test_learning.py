"""The mirror's updates against scikit-learn's own `partial_fit`, sample by sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import (
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    SGDClassifier,
)

from dcai_compile.encoding import Encoding
from dcai_compile.errors import CompilerPanic
from dcai_compile.families import extract, family_of
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.learning import LinearLearningCheck
from dcai_compile.families.linear.mirror import LinearMirror
from dcai_compile.families.linear.steps import RULES
from dcai_compile.model import Options

UPDATES = 60
FEATURES = 6

EVERY_RULE = pytest.mark.parametrize("rule", sorted(RULES))
SHAPES = pytest.mark.parametrize("n_classes", [2, 3])
KINDS = pytest.mark.parametrize("kind", ["dense", "indices"])
CASES = pytest.mark.parametrize(("n_classes", "fit_intercept"), [(2, True), (2, False), (3, True)])


@cache
def data(kind: str, n_classes: int, seed: int, n: int) -> tuple[Any, NDArray[np.int64]]:
    """Samples of length 1 to 2, or of a few words, and labels that a line explains for the most part."""
    rng = np.random.default_rng(seed)
    if kind == "dense":
        directions = rng.normal(size=(n, FEATURES))
        lengths = rng.uniform(1.0, 2.0, (n, 1))
        X: Any = directions * lengths / np.linalg.norm(directions, axis=1, keepdims=True)
    else:
        counts = rng.integers(0, 2, (n, FEATURES))
        counts[np.arange(n), rng.integers(0, FEATURES, n)] += 1
        X = sparse.csr_matrix(counts.astype(np.float64))
    line = np.random.default_rng(99).normal(size=(FEATURES, n_classes))
    y = np.argmax(X @ line, axis=1)
    flipped = rng.random(n) < 0.2
    return X, np.where(flipped, rng.integers(0, n_classes, n), y)


@cache
def smooth(kind: str, n_classes: int, fit_intercept: bool) -> LogisticRegression:
    return LogisticRegression(fit_intercept=fit_intercept).fit(*data(kind, n_classes, 0, 80))


def trained(rule: str, kind: str, n_classes: int, fit_intercept: bool) -> SGDClassifier:
    """An SGDClassifier whose own step is `rule`, with weights that put no sample on a threshold."""
    made = RULES[rule]
    rate = 0.5 if made.is_passive_aggressive else 0.05
    estimator = SGDClassifier(loss=made.loss, learning_rate=made.schedule, eta0=rate)
    estimator.set_params(penalty=None, fit_intercept=fit_intercept)
    X, y = data(kind, n_classes, 0, 80)
    estimator.partial_fit(X, y, classes=np.arange(n_classes))
    start = smooth(kind, n_classes, fit_intercept)
    estimator.coef_ = start.coef_.copy()
    estimator.intercept_ = np.array(start.intercept_ * np.ones(len(start.coef_)))
    return estimator


def quantized(estimator: Any, kind: Any, n_classes: int, **options: Any) -> LinearIntegers:
    X, _ = data(kind, n_classes, 0, 80)
    X = sparse.csr_array(X) if kind == "indices" else X
    longest = FEATURES if kind == "dense" else 16
    wire = Encoding(kind, FEATURES, longest, max_count=2)
    # Fine weights, so that no score lies on a threshold, where a rounding decides.
    asked = Options(horizon=1000, weight_bits=40, **options)
    model = family_of("linear").quantize(extract(estimator, asked), X, None, wire, asked)
    assert isinstance(model, LinearIntegers)
    return model


def taught(model: LinearIntegers, kind: str) -> tuple[LinearMirror, LinearLearningCheck, float]:
    """A mirror and its check after all updates, with the largest ratio of drift to bound."""
    mirror, check, ratio = LinearMirror(model), LinearLearningCheck(model), 0.0
    X, y = data(kind, len(model.model.classes), 1, UPDATES)
    for row, target in zip(range(UPDATES), y.tolist(), strict=True):
        x = X[[row]] if kind == "indices" else X[row]
        sample = model.encoding.encode(X[[row]])[0]
        mirror.update_encoded(sample.tolist(), target)
        check.step(x, sample, target)
        drift = check.drift(mirror)
        ratio = max(ratio, drift / check.bound if check.bound else np.inf * (drift > 0))
        if ratio > 1.0:
            break  # noticed
    return mirror, check, ratio


# The check's bound


@EVERY_RULE
@KINDS
@CASES
def test_learning_stays_within_a_bound_that_says_something(
    rule: str, kind: str, n_classes: int, fit_intercept: bool
) -> None:
    model = quantized(trained(rule, kind, n_classes, fit_intercept), kind, n_classes)
    mirror, check, ratio = taught(model, kind)
    assert ratio <= 1.0
    assert check.bound < 1e-2
    # It learned at all.
    assert np.abs(mirror.delta).max() > 0
    assert any(mirror.intercept_delta) == fit_intercept


@KINDS
@SHAPES
def test_a_step_that_the_estimator_does_not_make_is_checked_too(kind: str, n_classes: int) -> None:
    other = smooth(kind, n_classes, True)
    model = quantized(other, kind, n_classes, update="log_loss", learning_rate=0.05)
    _, check, ratio = taught(model, kind)
    assert ratio <= 1.0
    assert check.bound < 1e-2


@pytest.mark.parametrize("rate", [1.0, 10.0, 100.0, 1000.0])
def test_a_short_samples_rounded_norm_is_in_the_bound(rate: float) -> None:
    # The wire rounds |x|^2 too, and the passive-aggressive step divides by it.
    estimator = SGDClassifier(loss="hinge", learning_rate="pa1", eta0=rate, penalty=None)
    estimator.coef_, estimator.intercept_ = np.zeros((1, 1)), np.zeros(1)
    estimator.classes_, estimator.n_features_in_ = np.array([0, 1]), 1
    wire, asked = Encoding("dense", 1, 1), Options(horizon=10)
    for seed in range(20):
        X = np.random.default_rng(seed).normal(size=(1, 1)) * 0.1
        model = family_of("linear").quantize(extract(estimator, asked), X, None, wire, asked)
        mirror, check = LinearMirror(model), LinearLearningCheck(model)
        sample = wire.encode(X)[0]
        mirror.update_encoded(sample.tolist(), 1)
        check.step(X[0], sample, 1)
        assert check.drift(mirror) <= check.bound


@pytest.mark.parametrize("rule", ["perceptron", "hinge", "squared_hinge", "pa1", "pa2"])
def test_a_sample_that_teaches_nothing_leaves_the_bound_alone(rule: str) -> None:
    model = quantized(trained(rule, "dense", 2, True), "dense", 2)
    mirror, check = LinearMirror(model), LinearLearningCheck(model)
    X, _ = data("dense", 2, 1, UPDATES)
    x = X[np.argmax(mirror.decision_function(X))]
    assert mirror.decision_function([x])[0] > 1.1
    before, sample = check.bound, model.encoding.encode([x])[0]
    mirror.update_encoded(sample.tolist(), 1)
    check.step(x, sample, 1)
    assert check.bound == before
    assert not mirror.delta.any()


def test_a_frozen_model_has_no_learning_to_check() -> None:
    model = quantized(smooth("dense", 2, True), "dense", 2, update="frozen")
    assert family_of("linear").learning_check(model) is None
    with pytest.raises(CompilerPanic):
        LinearLearningCheck(model)


# Steps that are wrong on purpose


def with_step(
    model: LinearIntegers, monkeypatch: pytest.MonkeyPatch, step: Callable[..., int]
) -> None:
    monkeypatch.setitem(RULES, model.plan.rule, replace(model.rule, step=step))


@pytest.mark.parametrize("rule", sorted(n for n, r in RULES.items() if r.fraction_bits))
@KINDS
def test_a_step_one_percent_too_long_is_noticed(
    rule: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = quantized(trained(rule, kind, 2, True), kind, 2)
    right = RULES[rule].step
    with_step(model, monkeypatch, lambda *given: right(*given) * 101 // 100)
    assert taught(model, kind)[2] > 1.0


@EVERY_RULE
@KINDS
def test_a_lesson_left_out_is_noticed(
    rule: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = quantized(trained(rule, kind, 2, True), kind, 2)
    right, lessons = RULES[rule].step, count()

    def forgetful(*given: Any) -> int:
        # The third lesson that teaches anything is left out.
        step = right(*given)
        return 0 if step and next(lessons) == 2 else step

    with_step(model, monkeypatch, forgetful)
    assert taught(model, kind)[2] > 1.0


@EVERY_RULE
@KINDS
def test_a_lesson_for_the_other_class_is_noticed(
    rule: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = quantized(trained(rule, kind, 2, True), kind, 2)
    monkeypatch.setattr(LinearMirror, "_sign", lambda self, row, target: 1 - 2 * target)
    assert taught(model, kind)[2] > 1.0


@EVERY_RULE
@pytest.mark.parametrize(("kind", "factor"), [("indices", 100), ("dense", 0)])
def test_an_intercept_that_moves_at_another_rate_is_noticed(
    rule: str, kind: str, factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = quantized(trained(rule, kind, 2, True), kind, 2)
    wrong = factor * model.intercept_step
    monkeypatch.setattr(LinearIntegers, "intercept_step", property(lambda self: wrong))
    assert taught(model, kind)[2] > 1.0


# Without the check: the estimator itself, taught beside the contract


def beside(estimator: Any, kind: str, n_classes: int, **options: Any) -> float:
    """The largest difference of any parameter between mirror and estimator after all updates."""
    model = quantized(estimator, kind, n_classes, **options)
    mirror = LinearMirror(model)
    estimator.coef_, estimator.intercept_ = mirror.real_parameters()
    X, y = data(kind, n_classes, 1, UPDATES)
    for row in range(UPDATES):
        mirror.update(X[[row]], y[row])
        estimator.partial_fit(X[[row]], y[[row]])
    coef, intercept = mirror.real_parameters()
    return float(
        max(np.abs(coef - estimator.coef_).max(), np.abs(intercept - estimator.intercept_).max())
    )


@EVERY_RULE
@pytest.mark.parametrize(("kind", "n_classes"), [("dense", 3), ("indices", 2)])
def test_an_sgd_classifier_learns_what_the_contract_learns(
    rule: str, kind: str, n_classes: int
) -> None:
    assert beside(trained(rule, kind, n_classes, True), kind, n_classes) < 1e-4


@KINDS
@SHAPES
def test_a_perceptron_learns_what_the_contract_learns(kind: str, n_classes: int) -> None:
    X, y = data(kind, n_classes, 0, 80)
    estimator = Perceptron(random_state=0).fit(X, y)
    assert beside(estimator, kind, n_classes) < (1e-12 if kind == "indices" else 1e-4)


@KINDS
@SHAPES
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_a_passive_aggressive_classifier_learns_what_the_contract_learns(
    kind: str, n_classes: int, loss: str
) -> None:
    X, y = data(kind, n_classes, 0, 80)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        estimator = PassiveAggressiveClassifier(C=0.5, loss=loss, random_state=0).fit(X, y)
        assert beside(estimator, kind, n_classes) < 1e-4
        _, check, ratio = taught(quantized(estimator, kind, n_classes), kind)
    assert ratio <= 1.0
    assert type(check.copy) is PassiveAggressiveClassifier


# Where learning is exact


def test_hundreds_of_perceptron_updates_on_counts_carry_no_rounding() -> None:
    X, y = data("indices", 2, 0, 80)
    estimator = Perceptron(fit_intercept=False).fit(X, y)
    model = quantized(estimator, "indices", 2)
    mirror = LinearMirror(model)
    rng = np.random.default_rng(2)
    for row in rng.integers(0, 80, 300):
        target = int(rng.integers(0, 2))
        mirror.update(X[[row]], target)
        estimator.partial_fit(X[[row]], [target])
    assert mirror.real_parameters()[0].tolist() == estimator.coef_.tolist()


def test_the_mirror_hands_back_an_estimator_that_predicts_alike() -> None:
    model = quantized(trained("log_loss", "dense", 3, True), "dense", 3)
    mirror, X = taught(model, "dense")[0], data("dense", 3, 3, 50)[0]
    assert mirror.to_estimator().predict(X).tolist() == mirror.predict(X).tolist()
