"""The training steps that a contract can make, in integers.

A step moves the weights by ``tau * eta * x`` and the intercept by ``tau * eta * decay``, where
``tau`` is what a rule makes of the score ``p`` and the label ``y`` (+1 or -1):

    rule                         tau                                          source
    perceptron                   y          if y p <= 0                       Hinge(0)
    hinge                        y          if y p <= 1                       Hinge(1)
    log_loss                     [y > 0] - 1 / (1 + exp(-p))                  CyHalfBinomialLoss
    modified_huber               4 y, 2 (1 - y p) y, 0                        ModifiedHuber
    squared_hinge                2 (1 - y p) y   if y p < 1                   SquaredHinge
    squared_error                y - p                                        CyHalfSquaredError
    huber                        y - p, clipped to +-epsilon                  CyHuberLoss
    epsilon_insensitive          sign(y - p) if |y - p| > epsilon             EpsilonInsensitive
    squared_epsilon_insensitive  2 (y - p -+ epsilon) if |y - p| > epsilon    SquaredEpsilonInsensitive
    pa1                          y min(C, max(0, 1 - y p) / |x|^2)            PA1
    pa2                          y max(0, 1 - y p) / (|x|^2 + 1 / (2 C))      PA2

Source: scikit-learn 1.9, `linear_model/_sgd_fast.pyx.tp`, `_plain_sgd` and the loss classes
there, without penalty and with a constant learning rate. For pa1 and pa2 ``eta`` is 1 and
``C`` is what scikit-learn calls `eta0` there (`C` in `PassiveAggressiveClassifier`).

On chain ``tau`` is an integer ``T = tau * 2**fraction_bits``: with no fraction bits for the
rules that only know -1, 0 and 1 (these are exact), with 64 for the others. The functions here
have a twin of the same name in `templates/_step_<rule>.sol.j2`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from dcai_compile.fixed import ONE_X64, evm_div, logistic_x64


@dataclass(frozen=True)
class StepConstants:
    """The integers that a contract's `_step` knows.

    Attributes
    ----------
    one : the largest score that is not above 1.0.
    unit_mantissa, unit_shift : a score times mantissa, shifted right, is its real value in X64.
    low, high : scores of a margin 1 - epsilon (the largest below) and 1 + epsilon (the largest not above).
    epsilon_x64 : the threshold of the epsilon rules and of huber.
    c_x64 : the cap of pa1.
    half_over_c : ``1 / (2 C)`` in squared wire units times 2**64, for pa2.
    scale_squared : squared wire units per 1.0.
    """

    one: int
    unit_mantissa: int
    unit_shift: int
    low: int
    high: int
    epsilon_x64: int
    c_x64: int
    half_over_c: int
    scale_squared: int

    def to_x64(self, score: int) -> int:
        """The score as a real number in X64, rounded down."""
        return (score * self.unit_mantissa) >> self.unit_shift


@dataclass(frozen=True)
class Rule:
    """One training step.

    Attributes
    ----------
    name : of the option `update`, and of the template's partial.
    loss, schedule : `loss` and `learning_rate` of the SGDClassifier that makes the same step.
    fraction_bits : 0 for rules that are exact, else 64.
    uses_norm : whether tau depends on the sample's length, or is bounded by it.
    slope : Lipschitz constant of tau in the score; infinite where tau jumps.
    max_tau : largest magnitude of tau; infinite where only the score limits it. Given epsilon and C.
    step : score, y (+1 or -1), squared norm in squared wire units, to T.
    constants : the `StepConstants` that `step` reads.
    """

    name: str
    loss: str
    schedule: str
    fraction_bits: int
    uses_norm: bool
    slope: float
    max_tau: Callable[[float, float], float]
    step: Callable[[StepConstants, int, int, int], int]
    constants: tuple[str, ...] = ()

    @property
    def is_passive_aggressive(self) -> bool:
        """Whether the rule finds its own step size, so that eta is 1."""
        return self.schedule != "constant"


def _perceptron(k: StepConstants, score: int, y: int, norm: int) -> int:
    return y if y * score <= 0 else 0


def _hinge(k: StepConstants, score: int, y: int, norm: int) -> int:
    return y if y * score <= k.one else 0


def _log_loss(k: StepConstants, score: int, y: int, norm: int) -> int:
    return (ONE_X64 if y > 0 else 0) - logistic_x64(k.to_x64(score))


def _modified_huber(k: StepConstants, score: int, y: int, norm: int) -> int:
    margin = k.to_x64(y * score)
    if margin >= ONE_X64:
        return 0
    return 4 * ONE_X64 * y if margin < -ONE_X64 else 2 * (ONE_X64 - margin) * y


def _squared_hinge(k: StepConstants, score: int, y: int, norm: int) -> int:
    margin = k.to_x64(y * score)
    return 0 if margin >= ONE_X64 else 2 * (ONE_X64 - margin) * y


def _squared_error(k: StepConstants, score: int, y: int, norm: int) -> int:
    return (ONE_X64 - k.to_x64(y * score)) * y


def _huber(k: StepConstants, score: int, y: int, norm: int) -> int:
    residual = ONE_X64 - k.to_x64(y * score)
    return max(-k.epsilon_x64, min(k.epsilon_x64, residual)) * y


def _epsilon_insensitive(k: StepConstants, score: int, y: int, norm: int) -> int:
    margin = y * score
    if margin <= k.low:
        return y
    return -y if margin > k.high else 0


def _squared_epsilon_insensitive(k: StepConstants, score: int, y: int, norm: int) -> int:
    residual = ONE_X64 - k.to_x64(y * score)
    if residual > k.epsilon_x64:
        return 2 * (residual - k.epsilon_x64) * y
    return 2 * (residual + k.epsilon_x64) * y if residual < -k.epsilon_x64 else 0


def _pa1(k: StepConstants, score: int, y: int, norm: int) -> int:
    loss = ONE_X64 - k.to_x64(y * score)
    if loss <= 0 or norm == 0:
        return 0
    return min(k.c_x64, evm_div(loss * k.scale_squared, norm)) * y


def _pa2(k: StepConstants, score: int, y: int, norm: int) -> int:
    loss = ONE_X64 - k.to_x64(y * score)
    if loss <= 0:
        return 0
    return evm_div(loss * k.scale_squared * ONE_X64, norm * ONE_X64 + k.half_over_c) * y


def _one(epsilon: float, c: float) -> float:
    return 1.0


def _four(epsilon: float, c: float) -> float:
    return 4.0


def _epsilon(epsilon: float, c: float) -> float:
    return epsilon


def _c(epsilon: float, c: float) -> float:
    return c


def _unbounded(epsilon: float, c: float) -> float:
    return inf


UNIT = ("unit_mantissa", "unit_shift")


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("perceptron", "perceptron", "constant", 0, False, inf, _one, _perceptron),
        Rule("hinge", "hinge", "constant", 0, False, inf, _one, _hinge, ("one",)),
        Rule("log_loss", "log_loss", "constant", 64, False, 0.25, _one, _log_loss, UNIT),
        Rule(
            "modified_huber",
            "modified_huber",
            "constant",
            64,
            False,
            2.0,
            _four,
            _modified_huber,
            UNIT,
        ),
        Rule(
            "squared_hinge",
            "squared_hinge",
            "constant",
            64,
            True,
            2.0,
            _unbounded,
            _squared_hinge,
            UNIT,
        ),
        Rule(
            "squared_error",
            "squared_error",
            "constant",
            64,
            True,
            1.0,
            _unbounded,
            _squared_error,
            UNIT,
        ),
        Rule(
            "huber", "huber", "constant", 64, False, 1.0, _epsilon, _huber, (*UNIT, "epsilon_x64")
        ),
        Rule(
            "epsilon_insensitive",
            "epsilon_insensitive",
            "constant",
            0,
            False,
            inf,
            _one,
            _epsilon_insensitive,
            ("low", "high"),
        ),
        Rule(
            "squared_epsilon_insensitive",
            "squared_epsilon_insensitive",
            "constant",
            64,
            True,
            2.0,
            _unbounded,
            _squared_epsilon_insensitive,
            (*UNIT, "epsilon_x64"),
        ),
        Rule("pa1", "hinge", "pa1", 64, True, 0.0, _c, _pa1, (*UNIT, "c_x64", "scale_squared")),
        Rule(
            "pa2",
            "hinge",
            "pa2",
            64,
            True,
            0.0,
            _unbounded,
            _pa2,
            (*UNIT, "half_over_c", "scale_squared"),
        ),
    )
}
"""Every rule by the name that the option `update` takes."""
