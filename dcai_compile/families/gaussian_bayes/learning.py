"""The mirror's means and variances against scikit-learn's own update of a mean and a variance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.naive_bayes import GaussianNB

from dcai_compile.encoding import Matrix, Sample
from dcai_compile.errors import CompilerPanic
from dcai_compile.exact import wire_error
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers
from dcai_compile.families.gaussian_bayes.mirror import GaussianMirror
from dcai_compile.family import LearningCheck
from dcai_compile.model import Mirror

ROUNDINGS = 16.0 * 2.0**-53
"""More than what one update of a mean, or of a variance, in doubles can lose of its largest term."""

LEAST = 1e-300
"""More than what gradual underflow can lose."""


class GaussianLearningCheck(LearningCheck):
    """Means and variances in doubles, combined as `partial_fit` does, with the smoothing left out.

    Beside each stands how far the mirror's can be from it. With one more sample x, the new mean is
    ``(n m + x) / (n + 1)``, and its error that of the errors; the new variance is
    ``n / (n + 1) (v + (m - x)^2 / (n + 1))``, to which an error e of m - x adds at most
    ``(2 |m - x| + e) e n / (n + 1)^2``. Drift is the largest share of that which is used.
    """

    def __init__(self, integers: GaussianIntegers) -> None:
        self.integers = integers
        mirror = GaussianMirror(integers)
        self.means, self.variances = mirror.scatter()
        self.counts = mirror.counts()
        # The mirror's own moments are the nearest doubles, then and in the end.
        self.mean_errors = np.abs(self.means) * ROUNDINGS + LEAST
        self.variance_errors = self.variances * ROUNDINGS + LEAST

    def step(self, x: Any, sample: Sample, classification: int) -> None:
        row: NDArray[np.float64] = np.asarray(_dense(x), np.float64).reshape(1, -1)
        wire = np.asarray(wire_error(self.integers.encoding, row))[0]
        n, c = self.counts[classification], classification
        away, off = np.abs(self.means[c] - row[0]), self.mean_errors[c] + wire
        share = n / (n + 1)
        self.means[c], self.variances[c] = GaussianNB._update_mean_variance(
            n, self.means[c], self.variances[c], row
        )
        self.counts[c] = n + 1
        self.mean_errors[c] = self.mean_errors[c] * share + wire / (n + 1)
        self.mean_errors[c] += (np.abs(self.means[c]) + away) * ROUNDINGS + LEAST
        moved = (2.0 * away + off) * off * share / (n + 1)
        rounded = (self.variances[c] + away * away * share / (n + 1)) * ROUNDINGS + LEAST
        self.variance_errors[c] = self.variance_errors[c] * share + moved + rounded

    def drift(self, mirror: Mirror) -> float:
        """The largest difference of a mean or variance, as a share of what it is proved not to exceed."""
        if not isinstance(mirror, GaussianMirror):
            raise CompilerPanic(f"{type(mirror).__name__} has no moments")
        means, variances = mirror.scatter()
        return float(
            max(
                (np.abs(means - self.means) / self.mean_errors).max(),
                (np.abs(variances - self.variances) / self.variance_errors).max(),
            )
        )

    @property
    def bound(self) -> float:
        return 1.0


def _dense(x: Matrix) -> Any:
    return x.toarray() if hasattr(x, "toarray") else x
