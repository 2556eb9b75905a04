"""Regressions of the proof: cases in which one part of it was once forgotten."""

from __future__ import annotations

import contextlib
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile.encoding import Encoding
from dcai_compile.errors import DcaiError, OverflowPossible
from dcai_compile.families.linear.mirror import LinearMirror
from tests.test_plan import (
    DENSE,
    SQUARED,
    as_wrong_as_at_first,
    compiled,
    longest_sample,
    one_lesson,
    planned,
    step_plan,
)


def test_rounded_tokens_are_part_of_the_proof() -> None:
    # tau is at most 0.1, a step 409.6 units, and every one of 16 tokens rounds to 410.
    wire = Encoding("indices", 2, 16, max_count=16)
    model = compiled(
        "huber", wire, intercept=-1e9, rate=0.01, epsilon=0.1, horizon=79, step_bits=16
    )
    mirror, sample, proved = (
        LinearMirror(model),
        longest_sample(model),
        planned(model).proved_updates,
    )
    moves, _ = one_lesson(mirror, sample, 1)
    assert moves == 16 * 410
    as_wrong_as_at_first(mirror, sample, (proved - 1) * moves)
    mirror.update_encoded(sample, 1)
    assert mirror.delta[0, 0] == proved * moves


def test_intercepts_fit_as_often_as_proved() -> None:
    # The weights are so small that an intercept is counted in 2**-80 of a step.
    model = compiled(
        "hinge",
        DENSE,
        coef=(1e-9, -1e-9),
        intercept=-1e12,
        X=((1.0, 0.0), (0.0, 1.0), (3.0, 4.0)),
        rate=1.0,
        weight_bits=64,
        horizon=1000,
    )
    mirror, proved = LinearMirror(model), planned(model).proved_updates
    assert proved >= 1000
    mirror.update_encoded([0, 0], 1)
    (moves,) = mirror.intercept_delta
    assert moves > 1 << 80
    for _ in range(999):
        mirror.update_encoded([0, 0], 1)
    assert mirror.intercept_delta == [1000 * moves]
    # The last of as many as are proved.
    mirror.intercept_delta = [(proved - 1) * moves]
    mirror.update_encoded([0, 0], 1)
    assert mirror.intercept_delta == [proved * moves]


@pytest.mark.parametrize("size", [1e-6, 1e-15, 1e-21])
def test_small_weights_on_wide_lanes_are_no_panic(size: float) -> None:
    with contextlib.suppress(DcaiError):  # refused for a reason that the user can mend
        compiled("perceptron", DENSE, coef=(size, -size), rate=1.0, weight_bits=64)


def test_rounded_weights_are_part_of_the_proof() -> None:
    # With 8-bit weights the published weight is 0.1 % longer than the trained one, and a step
    # of the greatest length mirrors it.
    wire = Encoding("dense", 1, 1)
    model = compiled(
        "squared_error",
        wire,
        coef=(0.022755651412912036,),
        intercept=0.0,
        X=((100.0,), (-100.0,)),
        rate=2 / (100.0**2 + 1) * (1 - 1e-8),
        weight_bits=8,
        horizon=1,
    )
    longest = int(sqrt(planned(model).max_squared_norm))
    LinearMirror(model).update_encoded([longest], 0)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(SQUARED), st.integers(1, 10**6))
def test_the_hinted_learning_rate_is_accepted(rule: str, longest: int) -> None:
    square = longest * 10**16
    with pytest.raises(OverflowPossible) as caught:
        step_plan(rule, learning_rate=2.0**20, max_squared_norm=square)
    hinted = float(caught.value.hint.split("learning_rate=")[1].split()[0])
    step_plan(rule, learning_rate=hinted, max_squared_norm=square)
