"""The mirror's centroids against running means in doubles.

scikit-learn's NearestCentroid has no `partial_fit`; what it would give is a fresh `fit` on all the data,
that is, the mean. The copy starts from the contract's own centroids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from dcai_compile.encoding import Sample
from dcai_compile.errors import CompilerPanic
from dcai_compile.exact import gamma
from dcai_compile.families.centroid.integers import CentroidIntegers
from dcai_compile.families.centroid.mirror import CentroidMirror
from dcai_compile.family import LearningCheck
from dcai_compile.model import Mirror


class CentroidLearningCheck(LearningCheck):
    """Means of doubles, taught the same samples."""

    def __init__(self, integers: CentroidIntegers) -> None:
        self.integers = integers
        self.means = CentroidMirror(integers).centroids()
        self.counts = list(integers.counts)
        self.steps = 0
        self.largest = float(np.abs(self.means).max())

    def step(self, x: Any, sample: Sample, classification: int) -> None:
        row = x.toarray()[0] if sparse.issparse(x) else np.asarray(x, np.float64).ravel()
        self.counts[classification] += 1
        mean = self.means[classification]
        mean += (row - mean) / self.counts[classification]
        self.steps += 1
        self.largest = max(self.largest, float(np.abs(row).max()))

    def drift(self, mirror: Mirror) -> float:
        if not isinstance(mirror, CentroidMirror):
            raise CompilerPanic(f"{type(mirror).__name__} has no centroids")
        return float(np.abs(mirror.centroids() - self.means).max())

    @property
    def bound(self) -> float:
        # A mean of values that wire and grid round by half a unit each, and five roundings a step.
        encoding = self.integers.encoding
        wire = 0.0 if encoding.is_counts else 0.5 / encoding.scale
        if self.integers.grid_bits:
            wire += 0.5 * float(self.integers.unit)
        return wire * (1.0 + 1e-9) + 2.0 * self.largest * gamma(5 * self.steps + 4)
