"""The centroid contract in Python integers, step for step as in `templates/centroid.sol.j2`.

The squared distance of x to the centroid ``S / (G n)`` is, in units of 1 / G,

    |G x|^2 - (2 n (G x . S) - |S|^2) / n^2

and ``|G x|^2`` is the same for every class: the nearest is the first with the largest quotient. It is
rounded down to a fraction of a squared unit, which never reverses an order, and equal quotients stay
equal. Where sums count in steps of H wire units, G is 1 / H, and all is multiplied by H.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.decision import first_of_highest, tie_probes
from dcai_compile.encoding import Sample
from dcai_compile.exact import exact_dot
from dcai_compile.families.centroid.integers import CentroidIntegers
from dcai_compile.fixed import INT256_MIN
from dcai_compile.model import Mirror, Revert
from dcai_compile.wire import check_sample, heavy_samples, limit_samples


class CentroidMirror(Mirror):
    """State of a centroid contract: what updates have added, all zero at first."""

    integers: CentroidIntegers

    def __init__(self, integers: CentroidIntegers) -> None:
        super().__init__(integers)
        n_classes, n_features = integers.sums.shape
        self.delta = np.zeros((n_features, n_classes), dtype=np.int64)
        self.added = [0] * n_classes
        self.squares_added = [0] * n_classes

    # ENCODE

    def encode_check(self, sample: Sequence[int]) -> None:
        check_sample(self.integers.encoding, sample)

    # SCORE

    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        integers = self.integers
        if integers.model.metric == "manhattan":
            rows = [self._city_blocks(sample.tolist()) for sample in samples]
            return np.array(rows, dtype=object).reshape(len(samples), integers.model.n_classes)
        wire = integers.encoding.matrix(samples)
        products = exact_dot(wire, self.sums()) * integers.grain
        scores = np.empty(products.shape, dtype=object)
        for row, (count, square) in enumerate(zip(self.counts(), self.squares(), strict=True)):
            for place, product in enumerate(products[:, row].tolist()):
                scores[place, row] = self._score(product, count, square)
        return scores

    def _score(self, product: int, count: int, square: int) -> int:
        if count == 0:
            return INT256_MIN
        numerator = (
            2 * count * product - self.integers.grid * square
        ) << self.integers.fraction_bits
        return numerator // (count * count)

    def _city_blocks(self, sample: Sequence[int]) -> list[int]:
        """Minus the sum of ``|G x_i - S_i|``; of absent features as published."""
        integers = self.integers
        entries = list(integers.encoding.entries(sample))
        scores = []
        for row, sums in enumerate(integers.sums.tolist()):
            distance = integers.magnitudes[row] if integers.encoding.is_sparse else 0
            for feature, value in entries:
                distance += abs(integers.grain * value - sums[feature])
                if integers.encoding.is_sparse:
                    distance -= abs(sums[feature])
            scores.append(-distance)
        return scores

    # DECIDE

    def decide(self, scores: Sequence[int]) -> int:
        return first_of_highest(scores, self.integers.model.n_classes)

    # UPDATE

    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        integers = self.integers
        self.update_check(sample, classification, integers.updatable)
        n_classes = integers.model.n_classes
        digits = integers.digits
        least, most = self.reach or (digits.minimum, digits.maximum)
        lanes = self.delta.copy()
        grown = 0
        entries = list(integers.encoding.entries(sample))
        if not integers.encoding.is_counts:
            for position, (_, value) in enumerate(entries):
                if abs(value) > integers.max_value:
                    raise Revert("FeatureValueOutOfRange", position, value, integers.max_value)
        for feature, value in entries:
            step = integers.on_grid(value)
            moved = int(lanes[feature, classification]) + step
            if not least <= moved <= most:
                raise Revert("LaneOverflow", feature * n_classes + classification, moved)
            before = int(integers.sums[classification, feature]) + moved - step
            lanes[feature, classification] = moved
            grown += (2 * before + step) * step
        added = self.added[classification] + 1
        square = self.squares_added[classification] + grown
        for value, field in zip((added, square), integers.fields, strict=False):
            if not field.minimum <= value <= field.maximum:
                lane = integers.encoding.n_features * n_classes + classification
                raise Revert("LaneOverflow", lane, value)
        self.delta = lanes
        self.added[classification] = added
        self.squares_added[classification] = square

    # State

    def sums(self) -> NDArray[np.object_]:
        """Sums as they are now, in units, shape (n_classes, n_features)."""
        return np.asarray(self.integers.sums.astype(object) + self.delta.T.astype(object))

    def counts(self) -> list[int]:
        """Samples of each class as they are now."""
        return [n + d for n, d in zip(self.integers.counts, self.added, strict=True)]

    def squares(self) -> list[int]:
        """The squared norm of each class's sums as they are now."""
        if not self.integers.keeps_squares:
            return [sum(s * s for s in row) for row in self.sums().tolist()]
        return [n + d for n, d in zip(self.integers.squares, self.squares_added, strict=True)]

    def state(self) -> dict[str, NDArray[Any]]:
        if not self.integers.updatable:
            return {}
        records: list[int] = []
        for added, square in zip(self.added, self.squares_added, strict=True):
            records += (added, square) if self.integers.keeps_squares else (added,)
        return {"classDelta": np.array(records, dtype=object), "delta": self.delta.ravel()}

    def parameters(self) -> list[int]:
        """Sums feature by feature and class by class, then counts, then squared norms."""
        return [*self.sums().T.ravel().tolist(), *self.counts(), *self.squares()]

    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        integers = self.integers
        unit = integers.score_unit
        real = [
            [float(s * unit) if s != INT256_MIN else -np.inf for s in row]
            for row in scores.tolist()
        ]
        return np.array(real, np.float64).reshape(scores.shape)

    def centroids(self) -> NDArray[np.float64]:
        """Centroids as they are now, as the nearest doubles; 0 of a class without samples."""
        unit = self.integers.unit
        rows = zip(self.sums().tolist(), self.counts(), strict=True)
        return np.array([[float(s * unit / max(1, n)) for s in row] for row, n in rows])

    def to_estimator(self) -> Any:
        from dcai_compile.families import behind_client
        from dcai_compile.families.centroid.extract import restore

        model = self.integers.model
        return behind_client(model, restore(model, self.centroids()))

    # Probes

    def probe_samples(self) -> list[list[int]]:
        return limit_samples(self.integers.encoding, self.integers.max_value)

    def heavy_samples(self) -> list[list[int]]:
        return heavy_samples(self.integers.encoding, self.integers.max_value)

    def probe_scores(self) -> list[list[int]]:
        return tie_probes(self.integers.model.n_classes)
