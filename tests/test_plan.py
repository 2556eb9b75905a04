"""The proof that no lane overflows, attacked with the worst updates that a contract takes."""

from __future__ import annotations

from math import inf, nextafter, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier

from dcai_compile.encoding import Encoding
from dcai_compile.errors import OverflowPossible
from dcai_compile.families import extract, family_of
from dcai_compile.families.linear import plan as plans
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.mirror import INTERCEPT_MAX, LinearMirror
from dcai_compile.families.linear.plan import StepPlan
from dcai_compile.families.linear.steps import RULES
from dcai_compile.model import Options, Revert

DENSE = Encoding("dense", 2, 2)
WORDS = Encoding("indices", 2, 4, max_count=4)
WIDTHS = pytest.mark.parametrize(
    "widths",
    [
        {"horizon": 4, "step_bits": 16},
        {"horizon": 10**5, "step_bits": 16},
        {"horizon": 4},
        {"horizon": 10**7},
    ],
    ids=["narrow", "narrow-carries", "usual", "usual-carries"],
)
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


@WIDTHS
@WIRES
@pytest.mark.parametrize("teach", [0, 1])
@pytest.mark.parametrize("rule", BOUNDED)
def test_the_worst_updates_fit_as_often_as_proved(
    rule: str, teach: int, wire: Encoding, widths: dict[str, int]
) -> None:
    # So strong an intercept that every lesson is as wrong as can be.
    model = compiled(rule, wire, intercept=-1e9 if teach else 1e9, **widths)
    mirror, sample, proved = (
        LinearMirror(model),
        longest_sample(model),
        planned(model).proved_updates,
    )
    assert widths["horizon"] <= proved
    moves, intercept_moves = one_lesson(mirror, sample, teach)
    for _ in range(min(proved, 200) - 1):
        mirror.update_encoded(sample, teach)
    assert (mirror.delta[0, 0], mirror.intercept_delta[0]) == (
        min(proved, 200) * moves,
        min(proved, 200) * intercept_moves,
    )
    # The last of as many as are proved.
    as_wrong_as_at_first(mirror, sample, (proved - 1) * moves)
    mirror.update_encoded(sample, teach)
    assert mirror.delta[0, 0] == proved * moves
    assert abs(proved * intercept_moves) <= INTERCEPT_MAX


@WIDTHS
@WIRES
@pytest.mark.parametrize(("teach", "sign"), [(0, -1), (1, 1)])
@pytest.mark.parametrize("rule", ["perceptron", "hinge", "log_loss", "modified_huber", "huber"])
def test_an_update_that_would_overflow_reverts_and_changes_nothing(
    rule: str, teach: int, sign: int, wire: Encoding, widths: dict[str, int]
) -> None:
    model = compiled(rule, wire, intercept=-1e9 * sign, **widths)
    mirror, sample, plan = LinearMirror(model), longest_sample(model), planned(model)
    moves, _ = one_lesson(mirror, sample, teach)
    largest = plan.digits.maximum if sign > 0 else -plan.digits.minimum
    fitting = largest // abs(moves)
    assert plan.proved_updates <= fitting
    # The proof is no looser than a factor of two, up to where that of the intercept is the shorter.
    assert fitting <= 2 * plan.proved_updates + 2 or plan.proved_updates > 10**9
    as_wrong_as_at_first(mirror, sample, (fitting - 1) * moves)
    mirror.update_encoded(sample, teach)
    before = mirror.parameters()
    with pytest.raises(Revert) as caught:
        mirror.update_encoded(sample, teach)
    assert mirror.parameters() == before
    lane, refused = caught.value.values
    assert (caught.value.name, lane) == ("LaneOverflow", 0)
    assert sign * mirror.delta[0, 0] == fitting * abs(moves) <= largest < sign * refused
    # What the lane can hold is in what its width says, and nearly all of it.
    assert (1 << (plan.lane_bits - 2)) < largest <= 1 << (plan.lane_bits - 1)


def one_lesson(mirror: LinearMirror, sample: list[int], teach: int) -> tuple[int, int]:
    """How far it moves lane 0 and the intercept."""
    mirror.update_encoded(sample, teach)
    moves = int(mirror.delta[0, 0]), mirror.intercept_delta[0]
    assert moves[0]
    return moves


def as_wrong_as_at_first(mirror: LinearMirror, sample: list[int], learned: int) -> None:
    """Put `learned` into lane 0, with an intercept for which the sample's score stays the published one."""
    fresh = LinearMirror(mirror.integers)
    mirror.delta, mirror.intercept_delta = fresh.delta, fresh.intercept_delta
    wire = [np.array(sample, np.int64)]
    (published,) = mirror.scores(wire)[0]
    mirror.delta[0, 0] = learned
    (score,) = mirror.scores(wire)[0]
    mirror.intercept_delta = [int(published - score)]


@WIRES
@pytest.mark.parametrize("rule", BOUNDED)
def test_a_wider_lane_is_taken_only_for_a_longer_horizon(rule: str, wire: Encoding) -> None:
    short = {"step_bits": 16, "horizon": 4}
    proved = planned(compiled(rule, wire, **short)).proved_updates
    plans = [
        planned(compiled(rule, wire, step_bits=16, horizon=k * proved)) for k in (1, 100, 10**6)
    ]
    bits = [plan.lane_bits for plan in plans]
    assert bits[0] < bits[1] <= bits[2]
    # Only the wide digit grows: the low one, and what a unit is worth, stay.
    assert len({plan.divisor for plan in plans}) == 1
    assert plans[1].low_bits == plans[2].low_bits == plans[0].low_bits < bits[1]


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
    # As many typical steps in one direction as were asked for fit in a low digit.
    step = min(1.0, RULES[rule].max_tau(0.125, 0.125)) * typical / wire_units
    assert wire_units == 1 or plans.STEPS * step <= 1 << (plans.STEP_BITS - 1)


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
