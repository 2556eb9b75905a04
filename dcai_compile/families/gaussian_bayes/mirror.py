"""The Gaussian contract in Python integers, step for step as in `templates/gaussian_bayes.sol.j2`.

Twice the joint log-likelihood of a class, up to a number that all classes share, is

    ln( P(class)^2 n^(2 d) / prod_i V_i )  -  sum_i K (n Q_i - S1_i)^2 / V_i

of which the logarithm is taken once, of one product.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.decision import first_of_highest, tie_probes
from dcai_compile.encoding import TO_FLOAT, Sample
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers
from dcai_compile.model import Mirror, Revert
from dcai_compile.wire import check_sample, heavy_samples, limit_samples

LN2_X64 = 12786308645202655659
"""ln 2 * 2**64, rounded down."""

SUM_LANE_BITS = 128


class GaussianMirror(Mirror):
    """State of a Gaussian contract: what updates have added, all zero at first."""

    integers: GaussianIntegers

    def __init__(self, integers: GaussianIntegers) -> None:
        super().__init__(integers)
        shape = (integers.model.n_classes, integers.model.n_features)
        self.sums_added = np.zeros(shape, dtype=object)
        self.squares_added = np.zeros(shape, dtype=object)
        self.added = [0] * integers.model.n_classes

    # ENCODE

    def encode_check(self, sample: Sequence[int]) -> None:
        check_sample(self.integers.encoding, sample)

    # SCORE

    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        integers = self.integers
        n_classes = integers.model.n_classes
        scores = np.empty((len(samples), n_classes), dtype=object)
        rows = [[int(value) for value in sample] for sample in samples]
        for row in range(n_classes):
            count = self.counts()[row]
            if not self._is_possible(row, count):
                scores[:, row] = bigfloat.ZERO
                continue
            sums = self.sums()[row].tolist()
            spreads = self._spreads(row, count)
            logarithm = self._logarithm(row, count, spreads)
            factor = integers.factor_k << integers.fraction_bits
            for place, sample in enumerate(rows):
                distance = sum(
                    factor * (count * value - total) ** 2 // spread
                    for value, total, spread in zip(sample, sums, spreads, strict=True)
                )
                scores[place, row] = logarithm - distance
        return scores

    def _is_possible(self, row: int, count: int) -> bool:
        """A class that was never seen, or is said to have a probability of 0, is not."""
        priors = self.integers.priors
        return count > 0 and (priors is None or priors[row] != bigfloat.ZERO)

    def _spreads(self, row: int, count: int) -> list[int]:
        sums, squares = self.sums()[row].tolist(), self.squares()[row].tolist()
        return [
            self.integers.spread(row, feature, count, total, square)
            for feature, (total, square) in enumerate(zip(sums, squares, strict=True))
        ]

    def _logarithm(self, row: int, count: int, spreads: list[int]) -> int:
        """``ln(P^2 n^(2 d) / prod V)``, rounded down to a fraction."""
        below = (1 << 127, -127)
        for spread in spreads:
            below = bigfloat.mul(*below, *bigfloat.normalize(spread, 0))
        power = 2 * len(spreads)
        if self.integers.priors is None:
            above = bigfloat.pow_int(count, power + 2)
        else:
            prior = bigfloat.unpack(self.integers.priors[row])
            above = bigfloat.mul(*prior, *bigfloat.pow_int(count, power))
        quotient = bigfloat.div(*above, *below)
        return bigfloat.log2_x64(*quotient) * LN2_X64 >> (128 - self.integers.fraction_bits)

    # DECIDE

    def decide(self, scores: Sequence[int]) -> int:
        return first_of_highest(scores, self.integers.model.n_classes)

    # UPDATE

    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        integers = self.integers
        self.update_check(sample, classification, integers.updatable)
        n_classes = integers.model.n_classes
        added = self.added[classification] + 1
        if added > integers.count_max:
            lane = 2 * integers.model.n_features * n_classes + classification
            raise Revert("LaneOverflow", lane, added)
        for position, value in enumerate(sample):
            if abs(value) > integers.max_value:
                raise Revert("FeatureValueOutOfRange", position, value, integers.max_value)
        self.added[classification] = added
        for feature, value in enumerate(sample):
            self.sums_added[classification, feature] += int(value)
            self.squares_added[classification, feature] += int(value) ** 2

    # State

    def counts(self) -> list[int]:
        """Samples of each class as they are now."""
        return [n + d for n, d in zip(self.integers.model.class_counts, self.added, strict=True)]

    def sums(self) -> NDArray[np.object_]:
        """Sums as they are now, in wire units, shape (n_classes, n_features)."""
        return np.array(self.integers.sums, dtype=object) + self.sums_added

    def squares(self) -> NDArray[np.object_]:
        """Sums of squares as they are now, in squared wire units, shape (n_classes, n_features)."""
        return np.array(self.integers.squares, dtype=object) + self.squares_added

    def state(self) -> dict[str, NDArray[Any]]:
        if not self.integers.updatable:
            return {}
        lanes = np.stack([self.sums_added.T, self.squares_added.T], axis=-1)
        return {"countDelta": np.array(self.added, dtype=object), "delta": lanes.ravel()}

    def parameters(self) -> list[int]:
        """Sum and sum of squares, feature by feature and class by class, then samples of each class."""
        lanes = np.stack([self.sums().T, self.squares().T], axis=-1)
        return [*lanes.ravel().tolist(), *self.counts()]

    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        """Joint log-likelihoods, as `predict_joint_log_proba` gives them."""
        integers = self.integers
        n_features = integers.model.n_features
        shared = n_features * log(integers.factor_k * TO_FLOAT**2 / (2.0 * pi))
        if integers.priors is None:
            shared -= 2.0 * log(sum(self.counts()))
        unit = 2.0**-integers.fraction_bits
        real = [
            [-np.inf if s == bigfloat.ZERO else 0.5 * (float(s) * unit + shared) for s in row]
            for row in scores.tolist()
        ]
        return np.array(real, np.float64).reshape(scores.shape)

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means and variances, smoothing included, (n_classes, n_features), as the nearest doubles."""
        means, variances = [], []
        sums = self.sums().tolist()
        for row, count in enumerate(self.counts()):
            if count == 0:
                means.append([0.0] * len(sums[row]))
                variances.append([self.integers.model.epsilon] * len(sums[row]))
                continue
            spreads = self._spreads(row, count)
            scale = self.integers.factor_k * count * count * TO_FLOAT**2
            means.append([total / (count * TO_FLOAT) for total in sums[row]])
            variances.append([spread / scale for spread in spreads])
        return np.array(means, np.float64), np.array(variances, np.float64)

    def scatter(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means and variances without smoothing, (n_classes, n_features), as the nearest doubles."""
        sums, squares = self.sums().tolist(), self.squares().tolist()
        means, variances = [], []
        for row, samples in enumerate(self.counts()):
            n = max(1, samples)
            means.append([total / (n * TO_FLOAT) for total in sums[row]])
            scale = (n * TO_FLOAT) ** 2
            pairs = zip(sums[row], squares[row], strict=True)
            variances.append([(n * square - total * total) / scale for total, square in pairs])
        return np.array(means, np.float64), np.array(variances, np.float64)

    def to_estimator(self) -> Any:
        from dcai_compile.families import behind_client
        from dcai_compile.families.gaussian_bayes.extract import restore

        model = self.integers.model
        return behind_client(model, restore(model, *self.moments(), self.counts(), "float64"))

    # Probes

    def probe_samples(self) -> list[list[int]]:
        return limit_samples(self.integers.encoding, self.integers.max_value)

    def heavy_samples(self) -> list[list[int]]:
        return heavy_samples(self.integers.encoding, self.integers.max_value)

    def probe_scores(self) -> list[list[int]]:
        return tie_probes(self.integers.model.n_classes)
