"""The proof that no lane overflows, attacked with the worst updates that a contract takes."""

from __future__ import annotations

from math import inf, nan, nextafter, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier

from dcai_compile.encoding import INT64_MAX, Encoding
from dcai_compile.errors import InvalidOption, OverflowPossible
from dcai_compile.families import extract, family_of
from dcai_compile.families.linear import plan as plans
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.mirror import LinearMirror
from dcai_compile.families.linear.plan import StepPlan
from dcai_compile.families.linear.steps import RULES
from dcai_compile.model import Options, Revert

DENSE = Encoding("dense", 2, 2)
WORDS = Encoding("indices", 2, 4, max_count=4)
WIRES = pytest.mark.parametrize("wire", [DENSE, WORDS], ids=lambda wire: wire.name)

BOUNDED = "perceptron hinge log_loss modified_huber huber epsilon_insensitive pa1".split()
SQUARED = ("squared_hinge", "squared_error", "squared_epsilon_insensitive")


def compiled(
    rule: str,
    wire: Encoding,
    *,
    coef: Any = (0.5, -0.25),
    intercept: float = 0.125,
    X: Any = ((1.0, 0.0), (0.0, 1.0)),
    rate: float = 0.125,
    epsilon: float = 0.125,
    **options: Any,
) -> LinearIntegers:
    estimator = SGDClassifier(epsilon=epsilon)
    estimator.coef_ = np.array([coef], np.float64)
    estimator.intercept_ = np.array([intercept])
    estimator.classes_, estimator.n_features_in_ = np.array([0, 1]), len(coef)
    asked = Options(update=rule, learning_rate=rate, **options)
    model = family_of("linear").quantize(extract(estimator, asked), np.array(X), None, wire, asked)
    assert isinstance(model, LinearIntegers)
    return model


def planned(model: LinearIntegers) -> StepPlan:
    assert model.plan is not None
    return model.plan


def longest_sample(model: LinearIntegers) -> list[int]:
    """The sample that moves lane 0 the farthest."""
    if model.encoding.name == "indices":
        return [0] * model.encoding.max_length
    return [planned(model).max_value] + [0] * (model.encoding.n_features - 1)


def step_plan(rule: str = "hinge", wire: Encoding = DENSE, **changes: Any) -> StepPlan:
    """A plan for calibration samples of norm 1 whose sizes may be changed."""
    square = wire.scale**2
    sizes = {
        "max_value": wire.scale,
        "typical_value": float(wire.scale),
        "max_squared_norm": square,
        "min_squared_norm": square,
        "weight_norm": 1.0,
    }
    asked = {"learning_rate": 0.125, "epsilon": 0.125, "fit_intercept": True, "horizon": 100}
    for name, value in changes.items():
        (sizes if name in sizes else asked)[name] = value
    return plans.plan_step(RULES[rule], wire, plans.Calibration(**sizes), **asked)


# Rules whose steps are bounded


@WIRES
@pytest.mark.parametrize("teach", [0, 1])
@pytest.mark.parametrize("rule", BOUNDED)
def test_the_worst_updates_fit_as_often_as_proved(rule: str, teach: int, wire: Encoding) -> None:
    # So strong an intercept that every lesson is as wrong as can be.
    model = compiled(rule, wire, intercept=-1e9 if teach else 1e9, horizon=4)
    plan, mirror, sample = planned(model), LinearMirror(model), longest_sample(model)
    assert plan.lane_bits <= 16
    assert 4 <= plan.proved_updates < 200
    for _ in range(plan.proved_updates):
        mirror.update_encoded(sample, teach)


@WIRES
@pytest.mark.parametrize(("teach", "sign"), [(0, -1), (1, 1)])
@pytest.mark.parametrize("rule", ["perceptron", "hinge", "log_loss", "modified_huber", "huber"])
def test_an_update_that_would_overflow_reverts_and_changes_nothing(
    rule: str, teach: int, sign: int, wire: Encoding
) -> None:
    model = compiled(rule, wire, intercept=-1e9 * sign, horizon=7)
    mirror, sample = LinearMirror(model), longest_sample(model)
    before: list[int] = []
    with pytest.raises(Revert) as caught:
        # The proof is no looser than a factor of two.
        for _ in range(2 * planned(model).proved_updates + 2):
            before = mirror.parameters()
            mirror.update_encoded(sample, teach)
    assert mirror.parameters() == before
    lane, refused = caught.value.values
    largest = (1 << (planned(model).lane_bits - 1)) - (sign > 0)
    assert (caught.value.name, lane) == ("LaneOverflow", 0)
    assert sign * mirror.delta[0, 0] <= largest < sign * refused


@WIRES
@pytest.mark.parametrize("rule", BOUNDED)
def test_a_wider_lane_is_taken_only_for_a_longer_horizon(rule: str, wire: Encoding) -> None:
    proved = planned(compiled(rule, wire, horizon=4)).proved_updates
    bits = [planned(compiled(rule, wire, horizon=k * proved)).lane_bits for k in (1, 100, 10**6)]
    assert bits[0] < bits[1] <= bits[2]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BOUNDED), st.floats(1.0, 2.0**62), st.integers(1, 10**6))
def test_a_typical_step_is_resolved(rule: str, typical: float, horizon: int) -> None:
    try:
        plan = step_plan(rule, typical_value=typical, max_value=10**9, horizon=horizon)
    except OverflowPossible:
        return
    assert plan.proved_updates >= horizon
    wire_units = plan.divisor >> RULES[rule].fraction_bits
    assert wire_units == 1 or typical / wire_units >= 256


# What cannot be proved


def test_features_of_very_different_size_are_refused_with_what_is_proved() -> None:
    X = ((1e9, 1e-6), (-1e9, 2e-6))
    with pytest.raises(OverflowPossible, match="hinge") as caught:
        compiled("hinge", DENSE, X=X, horizon=1000)
    error = caught.value
    assert (error.horizon, error.proved) == (1000, 4)
    assert "horizon=4" in error.hint
    assert planned(compiled("hinge", DENSE, X=X, horizon=4)).proved_updates == 4


def test_where_no_update_is_safe_the_hint_is_to_scale() -> None:
    with pytest.raises(OverflowPossible) as caught:
        step_plan("modified_huber", typical_value=1.0, max_value=INT64_MAX)
    assert caught.value.proved == 0
    assert "StandardScaler" in caught.value.hint


@pytest.mark.parametrize("rate", [0.0, -0.0, -1.0, nan, inf, nextafter(2.0**20, inf)])
@pytest.mark.parametrize("rule", ["perceptron", "squared_hinge", "pa1"])
def test_a_learning_rate_out_of_range_is_an_invalid_option(rule: str, rate: float) -> None:
    with pytest.raises(InvalidOption, match="learning_rate") as caught:
        compiled(rule, DENSE, rate=rate)
    assert caught.value.option == "learning_rate"
    assert repr(caught.value.value) == repr(rate)


# Rules that need a limit of the sample's norm


@pytest.mark.parametrize("rule", SQUARED)
@pytest.mark.parametrize(("wire", "longest"), [(DENSE, 7 * 10**18), (WORDS, 7)])
def test_a_sample_is_stable_up_to_the_exact_norm(rule: str, wire: Encoding, longest: int) -> None:
    # The step is non-expansive while eta * slope * (|x|^2 + decay) <= 2.
    rate = 0.25 / RULES[rule].slope
    plan = step_plan(rule, wire, learning_rate=rate, max_squared_norm=longest)
    assert plan.max_squared_norm == longest
    with pytest.raises(OverflowPossible, match="not stable for the longest"):
        step_plan(rule, wire, learning_rate=rate, max_squared_norm=longest + 1)


@pytest.mark.parametrize("rule", SQUARED)
def test_a_learning_rate_just_past_stable_is_refused(rule: str) -> None:
    stable = 0.25 / RULES[rule].slope
    with pytest.raises(OverflowPossible, match="not stable") as caught:
        step_plan(rule, learning_rate=nextafter(stable, 1), max_squared_norm=7 * 10**18)
    hinted = float(caught.value.hint.split("learning_rate=")[1].split()[0])
    assert 0.98 * stable < hinted <= stable


@pytest.mark.parametrize(("wire", "largest"), [(DENSE, 1.0), (WORDS, 100.0)])
def test_pa2_is_stable_for_any_sample_up_to_the_hinted_c(wire: Encoding, largest: float) -> None:
    plan = step_plan("pa2", wire, learning_rate=largest, min_squared_norm=0)
    assert plan.min_squared_norm == 0
    with pytest.raises(OverflowPossible, match="pa2") as caught:
        step_plan("pa2", wire, learning_rate=nextafter(largest, inf), min_squared_norm=0)
    assert f"learning_rate={largest!r}" in caught.value.hint


@pytest.mark.parametrize("rule", SQUARED)
def test_a_sample_past_the_norm_limit_reverts(rule: str) -> None:
    rate = 0.25 / RULES[rule].slope
    model = compiled(rule, DENSE, rate=rate, X=((2.0, 0.0), (0.0, 2.0)), horizon=7)
    limit = planned(model).max_squared_norm
    assert limit == 7 * 10**18
    mirror, side = LinearMirror(model), int(sqrt(limit / 2))
    mirror.update_encoded([side, side], 1)
    before = mirror.parameters()
    with pytest.raises(Revert, match="SquaredNormOutOfRange"):
        mirror.update_encoded([side + 1, side + 1], 1)
    assert mirror.parameters() == before


def test_a_value_past_its_limit_reverts() -> None:
    model = compiled("hinge", DENSE, intercept=-1e9, horizon=7)
    mirror, limit = LinearMirror(model), planned(model).max_value
    mirror.update_encoded([limit, -limit], 1)
    before = mirror.parameters()
    with pytest.raises(Revert, match="FeatureValueOutOfRange") as caught:
        mirror.update_encoded([0, -limit - 1], 1)
    assert caught.value.values == (1, -limit - 1, limit)
    assert mirror.parameters() == before


@WIRES
@pytest.mark.parametrize("rule", [*SQUARED, "pa2"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_adversary_within_the_norm_outruns_the_bound(
    rule: str, seed: int, wire: Encoding
) -> None:
    rng = np.random.default_rng(seed)
    X, rate = (0.3 * np.eye(2), 0.9) if wire is DENSE else (np.eye(2), 0.125)
    model = compiled(rule, wire, rate=rate, X=X, horizon=20)
    mirror = LinearMirror(model)
    start = norm(mirror)
    for t in range(1, min(40, planned(model).proved_updates) + 1):
        before = mirror.delta, mirror.intercept_delta
        reached = []
        for sample in adversarial(model, rng):
            for target in (0, 1):
                mirror.delta, mirror.intercept_delta = before
                mirror.update_encoded(sample, target)
                reached.append((norm(mirror), mirror.delta, mirror.intercept_delta))
        largest, mirror.delta, mirror.intercept_delta = max(reached, key=lambda one: one[0])
        assert largest <= start + t * growth(model) * (1 + 1e-9)


@pytest.mark.parametrize("rule", SQUARED)
def test_the_bound_of_a_step_from_zero_is_within_reach(rule: str) -> None:
    model = compiled(
        rule, DENSE, rate=0.9, X=0.3 * np.eye(2), coef=(0.0, 0.0), intercept=0.0, horizon=20
    )
    mirror, plan = LinearMirror(model), planned(model)
    side = min(int(sqrt(plan.max_squared_norm / 2)), plan.max_value)
    mirror.update_encoded([side, side], 1)
    assert 0.8 * growth(model) < norm(mirror) <= growth(model)


def norm(mirror: LinearMirror) -> float:
    """Of the weights, and of the intercept as the weight of the feature sqrt(decay)."""
    weights, intercepts = mirror.real_parameters()
    decay = float(plans.intercept_decay(mirror.integers.encoding))
    return float(np.hypot(np.linalg.norm(weights), intercepts[0] / sqrt(decay)))


def growth(model: LinearIntegers) -> float:
    """How far a step from zero, and its rounding, can move the weights."""
    plan, rule = planned(model), RULES[planned(model).rule]
    decay = float(plans.intercept_decay(model.encoding))
    unit = float(plans.delta_unit(rule, plan.eta, plan.divisor, model.encoding))
    rounding = unit * sqrt(model.encoding.n_features + 1) * model.encoding.max_length
    if rule.name == "pa2":
        squares = np.linspace(0.0, 100.0, 100_001)
        return float(np.max(np.sqrt(squares + decay) / (squares + 0.5 / plan.c))) + rounding
    return sqrt(2 * plan.eta * rule.slope) + rounding


def adversarial(model: LinearIntegers, rng: np.random.Generator) -> list[list[int]]:
    """Samples as long as the contract takes them, in random directions."""
    plan, wire = planned(model), model.encoding
    if wire.name == "indices":
        limit = plan.max_squared_norm or inf
        samples = [rng.integers(0, 2, length).tolist() for length in range(1, wire.max_length + 1)]
        return [s for s in samples if s.count(0) ** 2 + s.count(1) ** 2 <= limit]
    radius = min(sqrt(plan.max_squared_norm or inf), plan.max_value) * (1 - 1e-12)
    angles = rng.uniform(0, 2 * np.pi, 4)
    return [[int(radius * np.cos(a)), int(radius * np.sin(a))] for a in angles]


# What a unit of a lane stands for


@pytest.mark.parametrize(("wire", "decay"), [(DENSE, 1.0), (WORDS, 0.01)])
def test_one_lesson_moves_the_weights_by_the_learning_rate(wire: Encoding, decay: float) -> None:
    model = compiled("perceptron", wire, coef=(0.0, 0.0), intercept=0.0, rate=0.3, horizon=7)
    mirror = LinearMirror(model)
    mirror.update([1.0, 0.0], 1)
    weights, intercepts = mirror.real_parameters()
    assert weights.tolist() == [[0.3, 0.0]]
    assert intercepts.tolist() == [0.3 * decay]
