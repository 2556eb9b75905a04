"""The linear contract in Python integers, step for step as in `templates/linear.sol.j2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.decision import first_of_highest, tie_probes
from dcai_compile.encoding import Sample
from dcai_compile.exact import exact_dot
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.plan import INTERCEPT_BITS
from dcai_compile.fixed import INT256_MAX, INT256_MIN, div_round_half_away, div_round_half_up
from dcai_compile.model import Mirror, Revert
from dcai_compile.wire import check_sample, heavy_samples, limit_samples

INTERCEPT_MAX = (1 << (INTERCEPT_BITS - 1)) - 1


class LinearMirror(Mirror):
    """State of a linear contract: lanes that count what updates have added, all zero at first."""

    integers: LinearIntegers

    def __init__(self, integers: LinearIntegers) -> None:
        super().__init__(integers)
        rows, features = integers.grid.weights.shape
        self.delta = np.zeros((features, rows), dtype=np.int64)
        self.intercept_delta = [0] * rows
        self.constants = integers.constants() if integers.plan else None

    # ENCODE

    def encode_check(self, sample: Sequence[int]) -> None:
        check_sample(self.integers.encoding, sample)

    # SCORE

    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        published = self.integers.grid
        scores = published.scores(self.integers.encoding, samples)
        if self.integers.plan:
            wire = self.integers.encoding.matrix(samples)
            learned = exact_dot(wire, np.ascontiguousarray(self.delta.T))
            scores = scores + learned * (published.factor_e * published.factor_k)
            scores = scores + np.array(self.intercept_delta, dtype=object)
        return scores

    # DECIDE

    def decide(self, scores: Sequence[int]) -> int:
        if self.integers.n_rows > 1:
            return first_of_highest(scores, self.integers.n_rows)
        if len(scores) != 1:
            raise Revert("SampleLengthMismatch", 1, len(scores))
        return int(scores[0] > 0)

    # UPDATE

    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        integers, plan, constants = self.integers, self.integers.plan, self.constants
        self.update_check(sample, classification, plan is not None)
        assert constants is not None and integers.rule is not None
        norm = self._measure(sample)
        scores = self.scores([np.array(sample, dtype=np.int64)])[0]
        steps = [
            integers.rule.step(constants, score, self._sign(row, classification), norm)
            for row, score in enumerate(scores)
        ]
        if any(steps):
            self._move(sample, steps)

    def _sign(self, row: int, classification: int) -> int:
        target = 1 if self.integers.n_rows == 1 else row
        return 1 if classification == target else -1

    def _measure(self, sample: Sequence[int]) -> int:
        """Check what `update` takes; the squared norm, where the rule needs it, else 0."""
        plan, rule = self.integers.plan, self.integers.rule
        assert plan is not None and rule is not None
        encoding = self.integers.encoding
        values = [value for _, value in encoding.entries(sample)]
        if not encoding.is_counts:
            for position, value in enumerate(values):
                if abs(value) > plan.max_value:
                    raise Revert("FeatureValueOutOfRange", position, value, plan.max_value)
        if not rule.uses_norm:
            return 0
        if encoding.is_counts:
            values = np.unique(np.array(sample), return_counts=True)[1].tolist()
        norm = sum(value * value for value in values)
        least, most = plan.min_squared_norm, plan.max_squared_norm
        if norm < least or (most and norm > most):
            raise Revert("SquaredNormOutOfRange", norm, least, most)
        return norm

    def _move(self, sample: Sequence[int], steps: Sequence[int]) -> None:
        """Add the step to every lane of the sample's features, or change nothing and revert."""
        plan = self.integers.plan
        assert plan is not None
        least, most = self.reach or (plan.digits.minimum, plan.digits.maximum)
        lanes = self.delta.copy()
        rows = len(steps)
        entries = list(self.integers.encoding.entries(sample))
        for row, step in enumerate(steps):
            for feature, times in entries:
                change = div_round_half_up(step * times, plan.divisor)
                if change == 0:
                    continue
                moved = int(lanes[feature, row]) + change
                if not least <= moved <= most:
                    raise Revert("LaneOverflow", feature * rows + row, moved)
                lanes[feature, row] = moved
        intercepts = list(self.intercept_delta)
        if plan.fit_intercept:
            for row, step in enumerate(steps):
                change = div_round_half_away(step * self.integers.intercept_step, plan.divisor)
                intercepts[row] += change
                if not -INTERCEPT_MAX - 1 <= intercepts[row] <= INTERCEPT_MAX:
                    raise Revert("InterceptOverflow", row, intercepts[row])
        self.delta, self.intercept_delta = lanes, intercepts

    # State

    def state(self) -> dict[str, NDArray[Any]]:
        if self.integers.plan is None:
            return {}
        return {
            "interceptDelta": np.array(self.intercept_delta, dtype=object),
            "delta": self.delta.ravel(),
        }

    def parameters(self) -> list[int]:
        """Weights in fine units, feature by feature, then intercepts in score units."""
        weights = self.weights().T.ravel().tolist()
        return [*weights, *self.intercepts()]

    def weights(self) -> NDArray[np.object_]:
        """Effective weights in fine units, shape (n_rows, n_features)."""
        published = self.integers.grid
        return np.asarray(
            published.weights.astype(object) * published.factor_a
            + self.delta.T.astype(object) * published.factor_e
        )

    def intercepts(self) -> list[int]:
        """Effective intercepts in score units, one a row."""
        published = self.integers.grid.intercepts
        return [b + d for b, d in zip(published, self.intercept_delta, strict=True)]

    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        return scores.astype(np.float64) * float(self.integers.score_unit)

    def real_parameters(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Effective weights (n_rows, n_features) and intercepts (n_rows,), as the nearest doubles."""
        fine, unit = self.integers.grid.fine_unit, self.integers.score_unit
        weights = [[float(w * fine) for w in row] for row in self.weights().tolist()]
        shape = self.integers.grid.weights.shape
        return (
            np.array(weights, np.float64).reshape(shape),
            np.array([float(b * unit) for b in self.intercepts()], np.float64),
        )

    def to_estimator(self) -> Any:
        from dcai_compile.families import behind_client
        from dcai_compile.families.linear.extract import restore

        coef, intercept = self.real_parameters()
        model = self.integers.model
        return behind_client(model, restore(model, coef, intercept))

    # Probes

    def probe_samples(self) -> list[list[int]]:
        limit = self.integers.plan.max_value if self.integers.plan else 1
        return limit_samples(self.integers.encoding, limit)

    def heavy_samples(self) -> list[list[int]]:
        limit = self.integers.plan.max_value if self.integers.plan else 1
        return heavy_samples(self.integers.encoding, limit)

    def probe_scores(self) -> list[list[int]]:
        rows = self.integers.n_rows
        if rows == 1:
            return [[0], [1], [-1], [INT256_MAX], [INT256_MIN], [], [1, 0]]
        return tie_probes(rows)
