"""scikit-learn's own answers to features, which the client has prepared already."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Matrix
from dcai_compile.families.count_bayes.integers import CountModel


def reference_estimator(
    model: CountModel, counts: NDArray[np.float64], class_counts: NDArray[np.float64]
) -> Any:
    """The estimator for prepared features: one that does not binarize what is 0 and 1 already."""
    from dcai_compile.families.count_bayes.extract import restore

    estimator = restore(model, counts, class_counts)
    if model.kind == "bernoulli":
        estimator.binarize = None
    return estimator


def as_estimator_takes(model: CountModel, X: Matrix) -> Any:
    """Features in the form of the estimator's own input: categories as one code a column."""
    if not model.sizes:
        return X
    firsts = np.concatenate([[0], np.cumsum(model.sizes)[:-1]])
    rows = sparse.csr_array(X)
    rows.sort_indices()
    columns = rows.indices.reshape(X.shape[0], len(model.sizes))
    return columns - firsts
