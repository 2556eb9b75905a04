"""The mirror's counts against scikit-learn's own `partial_fit`: the same numbers, not near ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from dcai_compile.encoding import Sample, narrow_indices
from dcai_compile.errors import CompilerPanic
from dcai_compile.exact import gamma
from dcai_compile.families.count_bayes.integers import CountIntegers
from dcai_compile.families.count_bayes.mirror import CountMirror
from dcai_compile.families.count_bayes.reference import as_estimator_takes, reference_estimator
from dcai_compile.family import LearningCheck
from dcai_compile.model import Mirror


class CountLearningCheck(LearningCheck):
    """A scikit-learn copy that starts from the contract's counts and is taught the same samples.

    Where the wire carries counts, both sides add whole numbers, and the bound is what doubles lose of
    fractional ones: nothing for whole counts. Where it carries real values, each rounds by half a
    unit at most.
    """

    def __init__(self, integers: CountIntegers) -> None:
        self.integers = integers
        start = CountMirror(integers).real_counts()
        self.copy = reference_estimator(integers.model, *start)
        self.steps = 0
        self.largest = float(start[0].max())

    def step(self, x: Any, sample: Sample, classification: int) -> None:
        label = np.array([self.integers.model.classes[classification]])
        row = as_estimator_takes(self.integers.model, x)
        if sparse.issparse(row):
            row = sparse.csr_matrix(narrow_indices(sparse.csr_array(row)))
        self.copy.partial_fit(row, label)
        self.steps += 1
        self.largest += float(abs(x).max())

    def drift(self, mirror: Mirror) -> float:
        if not isinstance(mirror, CountMirror):
            raise CompilerPanic(f"{type(mirror).__name__} does not count")
        counts, class_counts = mirror.real_counts()
        theirs = self.copy
        found = (
            np.hstack(theirs.category_count_)
            if mirror.integers.model.sizes
            else theirs.feature_count_
        )
        return float(
            max(np.abs(counts - found).max(), np.abs(class_counts - theirs.class_count_).max())
        )

    @property
    def bound(self) -> float:
        encoding = self.integers.encoding
        if encoding.is_counts and self.integers.grain == 1:
            return 0.0
        wire = 0.0 if encoding.is_counts else 0.5 / encoding.scale
        return self.steps * wire * (1.0 + 1e-9) + self.largest * gamma(self.steps + 4)
