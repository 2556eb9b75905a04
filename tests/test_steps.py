"""Every training step in integers against scikit-learn's own loss of that name."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier

from dcai_compile.encoding import Encoding
from dcai_compile.families import extract, family_of
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.steps import ONE_X64, RULES, StepConstants
from dcai_compile.model import Options

quick = settings(max_examples=100, deadline=None)

EPSILON = 0.1
C = 0.75

LOSS_RULES = sorted(name for name, rule in RULES.items() if not rule.is_passive_aggressive)

SCORES = st.one_of(st.floats(-5, 5), st.floats(-1e6, 1e6), st.floats(-1e-6, 1e-6))
SIGNS = st.sampled_from([1, -1])


@cache
def integers(rule: str, *, encoding: str = "dense", size: float = 1.0) -> LinearIntegers:
    """A small model that learns by `rule`, with weights of about `size`."""
    estimator = SGDClassifier(epsilon=EPSILON)
    estimator.coef_ = np.array([[0.5, -0.3]]) * size
    estimator.intercept_ = np.array([0.1]) * size
    estimator.classes_, estimator.n_features_in_ = np.array([0, 1]), 2
    rate = C if RULES[rule].is_passive_aggressive else 0.25
    options = Options(update=rule, learning_rate=rate, horizon=10)
    wire = Encoding("indices", 2, 4) if encoding == "indices" else Encoding("dense", 2, 2)
    X = np.eye(2) * (1.0 if encoding == "indices" else 0.7)
    model = family_of("linear").quantize(extract(estimator, options), X, None, wire, options)
    assert isinstance(model, LinearIntegers)
    return model


@cache
def constants_of(rule: str) -> StepConstants:
    return integers(rule).constants()


def tau(rule: str, score: int, y: int, norm: int = 0, **changes: int) -> Fraction:
    """What the integer step makes of an integer score, as a real number."""
    constants = replace(constants_of(rule), **changes) if changes else constants_of(rule)
    bits = RULES[rule].fraction_bits
    return Fraction(RULES[rule].step(constants, score, y, norm), 1 << bits)


def in_units(rule: str, p: float) -> tuple[int, float]:
    """The integer score nearest to `p`, and the double nearest to what it stands for."""
    unit = integers(rule).score_unit
    score = round(Fraction(p) / unit)
    return score, float(score * unit)


def downhill(rule: str, y: int, p: float) -> float:
    """Minus scikit-learn's derivative of the loss at score `p`."""
    kind, *arguments = SGDClassifier.loss_functions[RULES[rule].loss]
    loss = kind(*([EPSILON] if rule == "huber" or "epsilon" in rule else arguments))
    if hasattr(loss, "py_dloss"):
        return -float(loss.py_dloss(p, float(y)))
    target = float(y > 0) if rule == "log_loss" else float(y)
    gradient = np.empty(1)
    loss.gradient(np.array([target]), np.array([p]), None, gradient)
    return -float(gradient[0])


JUMPS = {"perceptron": [0.0], "hinge": [1.0], "epsilon_insensitive": [1 - EPSILON, 1 + EPSILON]}
"""Margins at which a step jumps."""


# Against scikit-learn


@pytest.mark.parametrize("rule", LOSS_RULES)
def test_a_step_goes_down_scikit_learns_gradient(rule: str) -> None:
    @quick
    @given(SCORES, SIGNS)
    def check(p: float, y: int) -> None:
        score, real = in_units(rule, p)
        if any(abs(y * real - jump) < 1e-9 for jump in JUMPS.get(rule, [])):
            return  # where the step jumps, integers and doubles may stand on different sides
        expected = downhill(rule, y, real)
        assert abs(float(tau(rule, score, y)) - expected) <= 1e-12 * (1 + abs(real))

    check()


@pytest.mark.parametrize("rule", LOSS_RULES)
@pytest.mark.parametrize("y", [1, -1])
@pytest.mark.parametrize("p", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_a_step_agrees_at_whole_scores(rule: str, y: int, p: float) -> None:
    # Most losses have a corner or a jump at one of these, and none of them is rounded.
    score = Fraction(p) / integers(rule).score_unit
    assert score.denominator == 1
    assert float(tau(rule, int(score), y)) == pytest.approx(downhill(rule, y, p), abs=1e-12)


def test_every_rule_is_some_step_of_scikit_learn() -> None:
    for rule in RULES.values():
        SGDClassifier(loss=rule.loss, learning_rate=rule.schedule, eta0=1.0)._validate_params()


NORMS = st.one_of(st.integers(1, 10**19), st.sampled_from([1, 10**17, 10**18]))


@quick
@given(SCORES, SIGNS, NORMS)
def test_pa1_caps_the_loss_a_squared_length(p: float, y: int, norm: int) -> None:
    score, real = in_units("pa1", p)
    expected = y * min(C, max(0.0, 1 - y * real) / (norm / 1e18))
    tolerance = 1e-12 * (1 + abs(real)) / min(1.0, norm / 1e18)
    assert abs(float(tau("pa1", score, y, norm)) - expected) <= tolerance


@quick
@given(SCORES, SIGNS, st.one_of(st.just(0), NORMS))
def test_pa2_damps_the_loss_a_squared_length(p: float, y: int, norm: int) -> None:
    score, real = in_units("pa2", p)
    expected = y * max(0.0, 1 - y * real) / (norm / 1e18 + 0.5 / C)
    assert abs(float(tau("pa2", score, y, norm)) - expected) <= 1e-12 * (1 + abs(real))


def test_pa1_learns_nothing_from_a_sample_of_zeros() -> None:
    assert tau("pa1", -1, 1, norm=0) == 0


# At the thresholds


def test_one_is_the_largest_score_that_is_not_above_one() -> None:
    for rule in RULES:
        one, unit = constants_of(rule).one, integers(rule).score_unit
        assert one * unit <= 1 < (one + 1) * unit


def test_epsilons_thresholds_are_the_outermost_scores() -> None:
    model = integers("epsilon_insensitive")
    constants, unit, epsilon = model.constants(), model.score_unit, Fraction(EPSILON)
    assert constants.low * unit < 1 - epsilon <= (constants.low + 1) * unit
    assert constants.high * unit <= 1 + epsilon < (constants.high + 1) * unit


@pytest.mark.parametrize("y", [1, -1])
@pytest.mark.parametrize(
    ("rule", "threshold", "at", "past"),
    [
        ("perceptron", "", 1, 0),
        ("hinge", "one", 1, 0),
        ("epsilon_insensitive", "low", 1, 0),
        ("epsilon_insensitive", "high", 0, -1),
    ],
)
def test_a_step_jumps_just_past_its_threshold(
    rule: str, y: int, threshold: str, at: int, past: int
) -> None:
    margin = getattr(constants_of(rule), threshold, 0)
    assert tau(rule, y * margin, y) == at * y
    assert tau(rule, y * (margin + 1), y) == past * y


def at_margin(rule: str, margin: int) -> Fraction:
    """The step at an X64 margin: a unit of 2**-64, so that a score is its own X64."""
    return tau(rule, margin, 1, 10**18, unit_mantissa=1, unit_shift=0)


UNIT = Fraction(1, ONE_X64)


CORNERS: dict[str, dict[int, Fraction | int]] = {
    "modified_huber": {-ONE_X64 - 1: 4, -ONE_X64: 4, 1 - ONE_X64: 4 - 2 * UNIT},
    "squared_hinge": {ONE_X64 - 1: 2 * UNIT, ONE_X64: 0, ONE_X64 + 1: 0},
    "squared_error": {ONE_X64 - 1: UNIT, ONE_X64: 0, ONE_X64 + 1: -UNIT},
    "pa1": {-ONE_X64: Fraction(C), ONE_X64 - 1: UNIT, ONE_X64: 0},
    "pa2": {ONE_X64: 0, ONE_X64 + 1: 0},
}


@pytest.mark.parametrize("rule", CORNERS)
def test_a_smooth_step_is_exact_beside_its_corners(rule: str) -> None:
    for margin, expected in CORNERS[rule].items():
        assert at_margin(rule, margin) == expected


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("past", [-1, 0, 1])
def test_epsilon_corners_are_exact(side: int, past: int) -> None:
    epsilon = integers("huber").constants().epsilon_x64
    margin = ONE_X64 - side * (epsilon + past)
    assert at_margin("huber", margin) == side * UNIT * min(epsilon, epsilon + past)
    assert at_margin("squared_epsilon_insensitive", margin) == side * UNIT * 2 * max(0, past)


# Properties that proofs rest on


@pytest.mark.parametrize("rule", sorted(RULES))
def test_no_step_is_larger_or_steeper_than_its_rule_says(rule: str) -> None:
    declared = RULES[rule]
    limit, norm = declared.max_tau(EPSILON, C), 10**18
    # The slope of the passive-aggressive rules depends on the sample; its length is 1 here.
    slope = Fraction(1) if declared.is_passive_aggressive else declared.slope

    @quick
    @given(SCORES, SCORES, SIGNS)
    def check(p: float, q: float, y: int) -> None:
        unit = integers(rule).score_unit
        left, right = sorted([round(Fraction(p) / unit), round(Fraction(q) / unit)])
        step_left, step_right = tau(rule, left, y, norm), tau(rule, right, y, norm)
        rounding = Fraction(1, 2**60) * (1 + (abs(left) + abs(right)) * unit / 2**20)
        if limit != inf:
            assert abs(step_left) <= Fraction(limit) + UNIT
        if slope != inf:
            # tau falls as the score rises, and no faster than the rule's slope; the logistic's
            # own rounding included.
            fall = step_left - step_right
            allowed = rounding + (Fraction(1, 2**50) if rule == "log_loss" else 0)
            assert -allowed <= fall <= Fraction(slope) * (right - left) * unit + allowed

    check()


class Reading:
    """Constants that note which of them are read."""

    def __init__(self, constants: StepConstants) -> None:
        self._constants = constants
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self._constants, name)

    def to_x64(self, score: int) -> int:
        return StepConstants.to_x64(self, score)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_step_reads_the_constants_that_it_names(name: str) -> None:
    rule = RULES[name]
    constants = constants_of(name)
    reading = Reading(constants)
    for score in (0, constants.one, 10 * constants.one, -10 * constants.one):
        for y in (1, -1):
            rule.step(reading, score, y, 10**18)  # type: ignore[arg-type]
    assert reading.names == set(rule.constants)


# Constants


@pytest.mark.parametrize("encoding", ["dense", "indices"])
def test_constants_stand_for_the_real_settings(encoding: str) -> None:
    square = 10**18 if encoding == "dense" else 1
    for rule in ("huber", "pa1", "pa2"):
        constants = integers(rule, encoding=encoding).constants()
        assert constants.scale_squared == square
        assert abs(constants.epsilon_x64 - Fraction(EPSILON) * ONE_X64) <= Fraction(1, 2)
        if rule != "huber":
            assert constants.c_x64 == Fraction(C) * ONE_X64
            exact = square * ONE_X64 / (2 * Fraction(C))
            assert abs(constants.half_over_c - exact) <= Fraction(1, 2)


@pytest.mark.parametrize("encoding", ["dense", "indices"])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
def test_a_score_in_x64_is_a_rounding_down_of_its_value(encoding: str, size: float) -> None:
    model = integers("log_loss", encoding=encoding, size=size)
    constants = model.constants()

    @quick
    @given(st.one_of(st.integers(-(2**156), 2**156), st.integers(-(2**40), 2**40)))
    def check(score: int) -> None:
        exact = score * model.score_unit * ONE_X64
        # The mantissa has at least 96 bits, so its own rounding is below one part in 2**96.
        slack = abs(exact) / 2**96
        assert exact - 1 - slack <= constants.to_x64(score) <= exact + slack

    check()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_mantissa_leaves_room_for_every_score(rule: str) -> None:
    constants = constants_of(rule)
    assert 2**95 < constants.unit_mantissa < 2**98
    assert constants.unit_shift >= 0
