"""What a plan refuses: too long a horizon, features that are too large, learning rates out of range."""

from __future__ import annotations

from math import inf, nan, nextafter

import pytest

from dcai_compile.digits import Digits
from dcai_compile.encoding import INT64_MAX
from dcai_compile.errors import InvalidOption, OverflowPossible
from tests.test_plan import DENSE, compiled, planned, step_plan


def test_a_horizon_past_the_widest_lanes_is_refused_with_what_is_proved() -> None:
    X = ((1e9, 1e-6), (-1e9, 2e-6))
    with pytest.raises(OverflowPossible, match="hinge") as caught:
        compiled("hinge", DENSE, X=X, horizon=10**12)
    error = caught.value
    # Twice the largest value in a step, on a grid of 100 for wire values: 2e18 / 1e11 a step.
    assert (error.horizon, error.proved) == (10**12, Digits(64, 32).maximum // (2 * 10**7))
    assert f"horizon={error.proved}" in error.hint
    assert (
        planned(compiled("hinge", DENSE, X=X, horizon=error.proved)).proved_updates == error.proved
    )
    with pytest.raises(OverflowPossible):
        compiled("hinge", DENSE, X=X, horizon=error.proved + 1)


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
