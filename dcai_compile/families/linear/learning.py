"""The mirror's updates against scikit-learn's `partial_fit`, with a bound on how far they may drift.

The copy starts from the contract's own parameters, so that only learning is compared. Let e be
the difference of the two parameter vectors of a row, the intercept scaled by 1 / sqrt(decay) and
x' = (x, sqrt(decay)). A step ``w -> w + eta tau(w x') x'`` changes the norm of e by at most

    the factor  max(1, eta slope |x'|^2 - 1)      where tau is monotone and Lipschitz,
    the term    eta jump |x'|                     where tau jumps and the two may disagree,

and to that come what the integers round, what the wire rounds, and what doubles round. None of
it is measured: the bound is computed from the sample and the parameters before the step.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import PassiveAggressiveClassifier, Perceptron, SGDClassifier

from dcai_compile.encoding import Sample, narrow_indices
from dcai_compile.errors import CompilerPanic
from dcai_compile.exact import gamma
from dcai_compile.families.linear.extract import restore
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.mirror import LinearMirror
from dcai_compile.families.linear.plan import delta_unit, intercept_decay
from dcai_compile.family import LearningCheck
from dcai_compile.model import Mirror

TAU_ERROR = 2.0**-58
"""Absolute error of tau in X64: the logistic's 2**-60, and rounding down three times."""

QUIET_MARGINS = {
    "perceptron": 0.0,
    "hinge": 1.0,
    "squared_hinge": 1.0,
    "modified_huber": 1.0,
    "pa1": 1.0,
    "pa2": 1.0,
}
"""A margin above this moves nothing; the other rules have no such margin."""

OUTWARD = 1.0 + 1e-9
"""Covers the rounding of the bound's own few dozen float operations."""


class LinearLearningCheck(LearningCheck):
    """A scikit-learn copy of the contract, taught the same samples by `partial_fit`."""

    def __init__(self, integers: LinearIntegers) -> None:
        if integers.plan is None or integers.rule is None:
            raise CompilerPanic("a frozen model does not learn")
        self.integers = integers
        self.plan, self.rule = integers.plan, integers.rule
        mirror = LinearMirror(integers)
        coef, intercept = mirror.real_parameters()
        self.copy = self._make_copy(coef, intercept)
        self.decay = float(intercept_decay(integers.encoding))
        # The copy's parameters are the nearest doubles of the contract's.
        self._distance = np.linalg.norm(coef, axis=1) + np.abs(intercept) / sqrt(self.decay)
        self._distance = self._distance * gamma(4)

    def _make_copy(self, coef: NDArray[np.float64], intercept: NDArray[np.float64]) -> Any:
        """The estimator itself where this is its own step, else the SGDClassifier that makes it."""
        plan, model = self.plan, self.integers.model
        copy = restore(model, coef, intercept)
        own = {
            Perceptron: "perceptron",
            PassiveAggressiveClassifier: "pa1"
            if getattr(copy, "loss", "hinge") == "hinge"
            else "pa2",
        }
        rate = plan.c if self.rule.is_passive_aggressive else plan.eta
        has_own_step = (
            own.get(type(copy)) == plan.rule
            and copy.fit_intercept == plan.fit_intercept
            and rate == (copy.C if isinstance(copy, PassiveAggressiveClassifier) else copy.eta0)
        )
        if not has_own_step or copy.penalty is not None or model.dtype != "float64":
            copy = SGDClassifier(
                loss=self.rule.loss,
                penalty=None,
                learning_rate=self.rule.schedule,
                eta0=rate,
                epsilon=plan.epsilon,
                fit_intercept=plan.fit_intercept,
            )
            copy.classes_ = np.array(model.classes)
            copy.n_features_in_ = model.n_features
        copy.coef_ = np.ascontiguousarray(coef)
        copy.intercept_ = np.array(intercept)
        return copy

    def step(self, x: Any, sample: Sample, classification: int) -> None:
        row = sparse.csr_array(x).astype(np.float64) if sparse.issparse(x) else None
        dense = row.toarray()[0] if row is not None else np.asarray(x, np.float64).ravel()
        if self.integers.encoding.is_sparse:
            row = sparse.csr_array(dense.reshape(1, -1))
        for index in range(self.integers.n_rows):
            self._distance[index] = self._advance(index, dense, sample, classification)
        label = np.array([self.integers.model.classes[classification]])
        if row is None:
            self.copy.partial_fit(dense.reshape(1, -1), label)
        else:
            # scikit-learn's SGD takes the older matrix interface.
            self.copy.partial_fit(sparse.csr_matrix(narrow_indices(row)), label)

    def _advance(self, index: int, x: NDArray[np.float64], sample: Sample, target: int) -> float:
        """The bound of row `index` after this sample."""
        plan, rule, encoding = self.plan, self.rule, self.integers.encoding
        w, b = self.copy.coef_[index], float(self.copy.intercept_[index])
        distance = float(self._distance[index])
        squared = float(x @ x)
        length = sqrt(squared + self.decay)
        touched = int(np.count_nonzero(x))
        wire = 0.0 if encoding.is_counts else 0.5 / encoding.scale * sqrt(touched)
        size = float(np.abs(w) @ np.abs(x)) + abs(b)
        noise = size * gamma(len(x) + 3)
        norm = float(np.linalg.norm(w)) + abs(b) + distance
        # How far the two scores can be apart before the step.
        apart = length * distance + noise + wire * norm
        y = 1 if target == (1 if self.integers.n_rows == 1 else index) else -1
        score = float(w @ x) + b
        if y * score - apart > QUIET_MARGINS.get(plan.rule, inf):
            return distance  # neither side moves
        max_tau = rule.max_tau(plan.epsilon, plan.c)
        slope = self._slope(squared)
        tau_size = max_tau if max_tau != inf else slope * (1.0 + abs(score) + apart)
        if slope == inf:
            factor, different = 1.0, (self._jump(y, score, apart)) * plan.eta * length
        else:
            factor = max(1.0, plan.eta * slope * length * length - 1.0)
            different = plan.eta * slope * (noise + wire * norm) * length
        unit = float(delta_unit(rule, plan.eta, plan.divisor, encoding))
        rounded = unit * self._rounding(x, sample)
        if self.rule.fraction_bits:
            # Without fraction bits the divisor divides the intercept's step: nothing is rounded.
            rounded += 0.5 * float(self.integers.score_unit) / sqrt(self.decay)
        tau_error = 0.0 if rule.fraction_bits == 0 else TAU_ERROR * (1.0 + abs(score) + tau_size)
        if rule.is_passive_aggressive and squared:
            # They divide by the sample's squared norm, of which the wire keeps a rounded one.
            tau_error += tau_size * 2.0 * wire * (sqrt(squared) + wire) / squared
        moved = plan.eta * tau_size * length
        floats = (norm / sqrt(self.decay) + moved) * gamma(len(x) + 8)
        return OUTWARD * (
            factor * distance
            + different
            + plan.eta * (tau_error * length + tau_size * wire)
            + rounded
            + floats
        )

    def _rounding(self, x: NDArray[np.float64], sample: Sample) -> float:
        """At least the norm of what rounding to the grid does in this step, in grid units."""
        divisor = self.plan.divisor
        if self.integers.encoding.is_counts:
            # Each token of a feature rounds alike, by at most one half.
            return 0.0 if divisor == 1 else 0.5 * sqrt(float(x @ x))
        if self.rule.fraction_bits:
            return 0.5 * sqrt(float(np.count_nonzero(x)))
        rest = np.abs(sample) % divisor
        return float(np.linalg.norm(np.minimum(rest, divisor - rest) / divisor))

    def _slope(self, squared: float) -> float:
        if self.plan.rule == "pa1":
            return 1.0 / squared if squared else 0.0
        if self.plan.rule == "pa2":
            return 1.0 / (squared + 0.5 / self.plan.c)
        return self.rule.slope

    def _jump(self, y: int, score: float, apart: float) -> float:
        """How much tau may differ between two scores that are `apart`, where it jumps."""
        epsilon = self.plan.epsilon
        thresholds = {"perceptron": (0.0,), "hinge": (1.0,)}.get(
            self.plan.rule, (1.0 - epsilon, 1.0 + epsilon)
        )
        return float(sum(abs(y * score - threshold) <= apart for threshold in thresholds))

    def drift(self, mirror: Mirror) -> float:
        assert isinstance(mirror, LinearMirror)
        coef, intercept = mirror.real_parameters()
        weights = np.linalg.norm(coef - self.copy.coef_, axis=1)
        offsets = np.abs(intercept - self.copy.intercept_) / sqrt(self.decay)
        return float(np.max(np.hypot(weights, offsets)))

    @property
    def bound(self) -> float:
        return float(np.max(self._distance))
