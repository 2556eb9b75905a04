"""Choosing the grid of a training step, and proving for how many updates nothing overflows.

A stored weight is ``base + delta``; `delta` counts grid units of

    d = eta * divisor / (2**fraction_bits * wire scale)

so that one step moves a lane by ``round(T * Q / divisor)`` with ``T`` from `steps.py` and ``Q``
the wire value. With a divisor of 1 and no fraction bits nothing is ever rounded.

Two arguments bound how far a lane can move in `horizon` updates:

* Where tau is bounded, each update moves it by at most ``round(max_tau * max_Q / divisor)``, for
  ``indices`` token by token.
* Where only the score bounds tau (the squared losses, pa2), the contract limits the sample's
  norm so that the step ``w -> w - eta d(w x) x`` is a non-expansive map: its derivative
  ``I - kappa x x^T`` has a norm of at most 1 as long as ``kappa |x|^2 <= 2``. Then no update
  moves the weights farther than it would from zero, and the norm grows at most linearly.
  The intercept takes part as a weight of the constant feature sqrt(decay), scaled alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf, log2, log10, sqrt

from dcai_compile.digits import Digits
from dcai_compile.encoding import INT64_MAX, Encoding
from dcai_compile.errors import InvalidOption, OverflowPossible
from dcai_compile.families.linear.steps import Rule

LANE_BITS = (8, 16, 32, 64)
"""Lane widths that divide a storage slot."""

RESOLUTION = 256
"""A step of tau = 1, or of the largest tau below, on a typical feature is at least as many grid units."""

STEPS = 64
"""As many typical steps in one direction fit in a low digit."""

STEP_BITS = 32
"""Low digit of lanes whose steps are fractions, unless asked otherwise."""

COUNT_BITS = 8
"""Low digit of lanes that whole steps are counted in."""

INTERCEPT_BITS = 128
SPARSE_INTERCEPT_DECAY = Fraction(1, 100)
"""scikit-learn's `SPARSE_INTERCEPT_DECAY` (`linear_model/_base.py`)."""

FINEST_EXPONENT = 40
"""A published weight's unit is at least a learned one's divided by 2 to this power."""

FACTOR_K_LIMIT = 100
"""Scores of sparse models that learn count in hundredths, all others in whole units."""

MAX_SCORE = 1e11
"""Beyond a hundred times this scikit-learn clips its gradient (`MAX_DLOSS`), which we do not."""

MAX_LEARNING_RATE = 2.0**20
SLACK = 1.0 + 1e-9
"""Covers the rounding of the handful of float operations behind a norm bound."""


@dataclass(frozen=True)
class Calibration:
    """What the calibration samples say about sizes; wire units unless named real.

    Attributes
    ----------
    max_value : largest magnitude of a wire value (for ``indices`` how often one is repeated).
    typical_value : root mean square of the features that are not always zero.
    max_squared_norm, min_squared_norm : of a sample, in squared wire units.
    weight_norm : largest real norm of a row of weights with its scaled intercept.
    """

    max_value: int
    typical_value: float
    max_squared_norm: int
    min_squared_norm: int
    weight_norm: float


@dataclass(frozen=True)
class StepPlan:
    """The numbers of one training step; see the module's text for the units.

    Attributes
    ----------
    rule : name in `steps.RULES`.
    eta : learning rate as the double that scikit-learn multiplies with; 1 for pa1 and pa2.
    c, epsilon : parameters of the rules that have them.
    fit_intercept : whether the intercept moves.
    divisor : of ``T * Q``.
    lane_bits, low_bits : widths of a delta lane and of its low digit.
    max_value : largest magnitude of a wire value that `update` takes.
    min_squared_norm, max_squared_norm : what `update` takes; 0 where there is no such limit.
    proved_updates : number of updates for which no lane can overflow.
    """

    rule: str
    eta: float
    c: float
    epsilon: float
    fit_intercept: bool
    divisor: int
    lane_bits: int
    low_bits: int
    max_value: int
    min_squared_norm: int
    max_squared_norm: int
    proved_updates: int

    @property
    def digits(self) -> Digits:
        """How a delta lane is written."""
        return Digits(self.lane_bits, self.low_bits)

    @property
    def typical_step(self) -> int:
        """Of a lane; 1 where whole steps are counted."""
        whole = self.divisor == 1 and self.low_bits <= COUNT_BITS
        return 1 if whole else max(1, (1 << (self.low_bits - 1)) // STEPS)


def intercept_decay(encoding: Encoding) -> Fraction:
    """How scikit-learn slows the intercept: 0.01 for sparse input."""
    return SPARSE_INTERCEPT_DECAY if encoding.is_sparse else Fraction(1)


def delta_unit(rule: Rule, eta: float, divisor: int, encoding: Encoding) -> Fraction:
    """The real value `d` of one unit of a delta lane."""
    return Fraction(eta) * divisor / ((1 << rule.fraction_bits) * encoding.scale)


def plan_step(
    rule: Rule,
    encoding: Encoding,
    calibration: Calibration,
    *,
    learning_rate: float,
    epsilon: float,
    fit_intercept: bool,
    horizon: int,
    step_bits: int = STEP_BITS,
) -> StepPlan:
    """The finest grid for low digits of `step_bits`, in lanes that are safe for `horizon` updates.

    Steps that are whole numbers are counted in narrower lanes, and are exact.

    Raises `OverflowPossible` with the number of updates that can be proved, and `InvalidOption`
    for a learning rate that is not positive.
    """
    if not 0.0 < learning_rate <= MAX_LEARNING_RATE:
        raise InvalidOption(
            f"learning_rate={learning_rate!r} is not between 0 and {MAX_LEARNING_RATE:g}",
            hint="scikit-learn's defaults are 0.01 for SGDClassifier and 1.0 for Perceptron",
            option="learning_rate",
            value=learning_rate,
        )
    eta, c = (1.0, learning_rate) if rule.is_passive_aggressive else (learning_rate, 1.0)
    limits = _norm_limits(rule, encoding, calibration, eta, c, horizon)
    max_value = encoding.max_count
    if not encoding.is_counts:
        limit = min(INT64_MAX, encoding.max_wire_value - 1)
        max_value = min(limit, max(1, 2 * calibration.max_value))
    best = 0
    divisor = _divisor(rule, encoding, calibration, rule.max_tau(epsilon, c), step_bits)
    low = step_bits if divisor != 1 or rule.fraction_bits or not encoding.is_counts else COUNT_BITS
    for bits in LANE_BITS:
        digits = Digits(bits, min(bits, low))
        proved = _proved_updates(
            rule, encoding, calibration, limits, eta, c, epsilon, divisor, digits, max_value
        )
        best = max(best, proved)
        if proved >= horizon:
            return StepPlan(
                rule.name,
                eta,
                c,
                epsilon,
                fit_intercept,
                divisor,
                bits,
                digits.low_bits,
                max_value,
                *limits,
                proved,
            )
    raise OverflowPossible(
        f"only {best} of {horizon} updates are proved safe in 64-bit lanes "
        f"(update={rule.name!r}, learning_rate={learning_rate!r})",
        hint=f"pass horizon={best}, a smaller learning_rate, or scale the features"
        if best
        else "scale the features (StandardScaler) or pass a smaller learning_rate",
        horizon=horizon,
        proved=best,
    )


def _divisor(
    rule: Rule, encoding: Encoding, calibration: Calibration, max_tau: float, bits: int
) -> int:
    """The divisor of the finest grid on which typical steps fit in a low digit of `bits` some times."""
    largest = max(RESOLUTION, (1 << (bits - 1)) // STEPS)
    resolution = largest / min(1.0, max_tau)
    if encoding.is_counts:
        if rule.fraction_bits == 0:
            return 1
        fraction: int = rule.fraction_bits - min(60, floor(log2(resolution)))
        return 1 << fraction
    # Powers of ten, because features with few decimals are then exact on the grid.
    grids = [10**j for j in range(19)]
    finest = calibration.typical_value / resolution
    grid = next(g for g in grids if g >= finest)
    return int(grid << rule.fraction_bits)


def _norm_limits(
    rule: Rule, encoding: Encoding, calibration: Calibration, eta: float, c: float, horizon: int
) -> tuple[int, int]:
    """Squared norms, in squared wire units, between which a step is non-expansive; 0 for no limit."""
    decay = intercept_decay(encoding)
    square = encoding.scale**2
    if rule.name == "pa2":
        # kappa = 1 / (|x|^2 + 1/2C), so kappa (|x|^2 + decay) <= 2 where |x|^2 >= decay - 1/C.
        least = ceil((decay - 1 / Fraction(c)) * square)
        if least > calibration.min_squared_norm:
            raise OverflowPossible(
                f"pa2 with C={c!r} is not stable for the shortest calibration sample "
                f"(squared norm {calibration.min_squared_norm / square:.6g})",
                hint=f"pass learning_rate={float(1 / decay)!r} or less",
                horizon=horizon,
            )
        return max(0, least), 0
    if not rule.uses_norm or rule.is_passive_aggressive:
        return 0, 0
    slope = Fraction(rule.slope)
    most = int((2 / (Fraction(eta) * slope) - decay) * square)
    if most < calibration.max_squared_norm:
        longest = calibration.max_squared_norm / square
        stable = 2.0 / (rule.slope * (longest + float(decay))) / SLACK
        digit = 10.0 ** (floor(log10(stable)) - 2)
        stable = floor(stable / digit) * digit  # three digits, rounded down: the hint must work
        raise OverflowPossible(
            f"{rule.name} with learning_rate={eta!r} is not stable for the longest calibration "
            f"sample (squared norm {longest:.6g})",
            hint=f"pass learning_rate={stable:.3g} or less, or scale the features (StandardScaler)",
            horizon=horizon,
        )
    return 0, most


def _growth(rule: Rule, encoding: Encoding, least_norm: int, eta: float, c: float) -> float:
    """How far one step from zero can move the weights, where the norm is limited; real units."""
    decay = float(intercept_decay(encoding))
    if rule.name == "pa2":
        # sup of sqrt(n + decay) / (n + 1/2C) over squared norms n >= least; its peak is at n = 1/2C - 2 decay.
        half = 0.5 / c
        n = max(least_norm / encoding.scale**2, half - 2.0 * decay, 0.0)
        return sqrt(n + decay) / (n + half) * SLACK
    # eta tau |x| with tau(0) = slope and |x|^2 <= 2 / (eta slope).
    return sqrt(2.0 * eta * rule.slope) * SLACK


def _proved_updates(
    rule: Rule,
    encoding: Encoding,
    calibration: Calibration,
    limits: tuple[int, int],
    eta: float,
    c: float,
    epsilon: float,
    divisor: int,
    digits: Digits,
    max_value: int,
) -> int:
    """The number of updates after which every lane and intercept still fits."""
    lane_limit = digits.maximum
    intercept_limit = (1 << (INTERCEPT_BITS - 1)) - 1
    intercept_unit_steps = encoding.scale**2 / divisor
    max_tau = rule.max_tau(epsilon, c)
    if max_tau != inf:
        full = Fraction(max_tau) * (1 << rule.fraction_bits)
        per_lane = largest_move(rule, encoding, max_tau, divisor, max_value)
        per_intercept = ceil(float(full) * intercept_unit_steps * SLACK) + 1
        return min(
            lane_limit // max(1, per_lane), intercept_limit // (per_intercept << FINEST_EXPONENT)
        )
    unit = float(delta_unit(rule, eta, divisor, encoding))
    growth = _growth(rule, encoding, limits[0], eta, c)
    rounding = sqrt(encoding.n_features + 1) * unit * max(1, _touches(encoding))
    # From the rounded weights, which differ from the trained ones by half a unit of at most 1/63
    # of the largest: 8-bit lanes, and a unit that is a power of two times another.
    published = calibration.weight_norm * (1.0 + sqrt(encoding.n_features) / 126.0)
    start = 2.0 * published * SLACK + unit
    if published * sqrt(limits[1]) / encoding.scale + 2.0 * growth > MAX_SCORE:
        return 0
    decay = float(intercept_decay(encoding))
    score_unit = unit / (encoding.scale * FACTOR_K_LIMIT) / 2.0**FINEST_EXPONENT
    room = min(lane_limit * unit, intercept_limit * score_unit / sqrt(decay)) - start
    return max(0, int(room / (growth + rounding) / SLACK))


def largest_move(
    rule: Rule, encoding: Encoding, max_tau: float, divisor: int, max_value: int
) -> int:
    """The most units by which one update can move a lane, for a finite `max_tau`."""
    full = ceil(Fraction(max_tau) * (1 << rule.fraction_bits))
    if encoding.is_counts:
        # Every token of a sample may be the same index, and each rounds for itself.
        return max_value * floor(Fraction(full, divisor) + Fraction(1, 2))
    return floor(Fraction(full * max_value, divisor) + Fraction(1, 2))


def _touches(encoding: Encoding) -> int:
    """How often one update can round the same lane: each token of an ``indices`` sample rounds."""
    return encoding.max_count if encoding.is_counts else 1
