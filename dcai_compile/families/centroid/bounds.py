"""How far a score in integers can be from scikit-learn's, sample by sample.

Euclidean scores are ``2 x.c - |c|^2``. With a wire error e of x and an error d of c ours differs by at
most ``2 e.|c| + 2 (|x| + e).d + 2 |c|.d + d.d`` and the floor of one fraction. scikit-learn compares
distances that it computes in doubles from ``|x|^2 - 2 x.c + |c|^2``, and may leave out the first.
"""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.exact import dot_upper, fraction_upper, gamma, upper, wire_error
from dcai_compile.families.centroid.integers import CentroidIntegers

Table = NDArray[np.float64]


def centroid_errors(integers: CentroidIntegers) -> Table:
    """At least how far each integer centroid is from scikit-learn's, shape (n_classes, n_features)."""
    unit = integers.unit
    rows = []
    for sums, count, centroid in zip(
        integers.sums.tolist(), integers.counts, integers.model.centroids.tolist(), strict=True
    ):
        n = max(1, count)
        rows.append(
            [
                fraction_upper(abs(s * unit / n - Fraction(c)))
                for s, c in zip(sums, centroid, strict=True)
            ]
        )
    return np.array(rows, np.float64).reshape(integers.sums.shape)


def _floor_error(integers: CentroidIntegers) -> float:
    if integers.model.metric == "manhattan":
        return 0.0
    return fraction_upper(integers.score_unit)


def sample_errors(integers: CentroidIntegers, X: Matrix) -> tuple[Table, Table]:
    """Per sample, shape (n_samples,): bound of our error, bound of scikit-learn's rounding."""
    sizes = abs(X.astype(np.float64)) if sparse.issparse(X) else np.abs(np.asarray(X, np.float64))
    wire = wire_error(integers.encoding, X)
    moved = centroid_errors(integers)
    centroids = np.abs(integers.model.centroids)
    narrow = getattr(X, "dtype", None) == np.float32
    rounding = 2.0 * gamma(X.shape[1] + 8, np.float32 if narrow else np.float64)
    if integers.model.metric == "manhattan":
        off = np.asarray(wire.sum(axis=1)).reshape(-1, 1) + moved.sum(axis=1)
        whole = np.asarray(sizes.sum(axis=1)).reshape(-1, 1) + centroids.sum(axis=1)
        return _largest(off), _largest(whole * rounding)
    off = 2.0 * dot_upper(wire, centroids + moved) + 2.0 * dot_upper(sizes, moved)
    off = off + (moved * (2.0 * centroids + moved)).sum(axis=1) + _floor_error(integers)
    squares = np.asarray((sizes * sizes).sum(axis=1)).reshape(-1, 1)
    whole = squares + 2.0 * dot_upper(sizes, centroids) + (centroids * centroids).sum(axis=1)
    return _largest(off), _largest(whole * rounding)


def _largest(table: Any) -> Table:
    return np.asarray(upper(np.asarray(table).max(axis=1), 6 + table.shape[1]), np.float64)


def published_bound(integers: CentroidIntegers, X: Matrix, encoding: Encoding) -> float:
    """The bound for any sample in the calibration range, with the same result on any machine."""
    largest = abs(X).max(axis=0)
    corner = np.ravel(largest.toarray() if sparse.issparse(largest) else largest).tolist()
    half = 0.0 if encoding.is_counts else fraction_upper(Fraction(1, 2 * encoding.scale))
    wire = [half if x else 0.0 for x in corner]
    worst = 0.0
    tables = zip(
        centroid_errors(integers).tolist(), np.abs(integers.model.centroids).tolist(), strict=True
    )
    for moved, centroid in tables:
        values = zip(corner, wire, moved, centroid, strict=True)
        if integers.model.metric == "manhattan":
            terms = [e + d for _, e, d, _ in values]
        else:
            terms = [2.0 * e * (c + d) + 2.0 * x * d + d * (2.0 * c + d) for x, e, d, c in values]
        worst = max(worst, fsum(terms))
    return float(upper(worst + _floor_error(integers), 8))
