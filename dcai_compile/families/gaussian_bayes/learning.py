"""The mirror's means and variances against scikit-learn's own update of a mean and a variance."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from dcai_compile.encoding import TO_FLOAT, Sample
from dcai_compile.errors import CompilerPanic
from dcai_compile.exact import gamma
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers
from dcai_compile.families.gaussian_bayes.mirror import GaussianMirror
from dcai_compile.family import LearningCheck
from dcai_compile.model import Mirror


class GaussianLearningCheck(LearningCheck):
    """Means and variances in doubles, combined as `partial_fit` does, with the smoothing left alone."""

    def __init__(self, integers: GaussianIntegers) -> None:
        mirror = GaussianMirror(integers)
        self.epsilon = integers.model.epsilon
        self.means, variances = mirror.moments()
        self.variances = variances - self.epsilon
        self.counts = mirror.counts()
        self.steps = 0
        self.largest = float(np.abs(self.means).max())

    def step(self, x: Any, sample: Sample, classification: int) -> None:
        row = np.asarray(x, np.float64).reshape(1, -1)
        count = self.counts[classification]
        self.means[classification], self.variances[classification] = (
            GaussianNB._update_mean_variance(
                count, self.means[classification], self.variances[classification], row
            )
        )
        self.counts[classification] = count + 1
        self.steps += 1
        self.largest = max(self.largest, float(np.abs(row).max()))

    def drift(self, mirror: Mirror) -> float:
        """The largest difference of a mean, or of a variance relative to the largest value seen."""
        if not isinstance(mirror, GaussianMirror):
            raise CompilerPanic(f"{type(mirror).__name__} has no moments")
        means, variances = mirror.moments()
        away = np.abs(variances - self.epsilon - self.variances).max() / max(1.0, self.largest)
        return float(max(np.abs(means - self.means).max(), away))

    @property
    def bound(self) -> float:
        # Half a wire unit of every value moves a mean by as much at most, and a variance by twice that
        # times the farthest value; ten roundings a step, of squares as large as the largest value's.
        size = max(1.0, self.largest)
        return 4.0 / TO_FLOAT + 16.0 * size * gamma(12 * self.steps + 12)
