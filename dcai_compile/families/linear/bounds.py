"""How wrong a score in integers can be, sample by sample, for ``w x + b``.

With integer weights ``W u`` for doubles ``w``, wire values ``Q / s`` for doubles ``x`` and an
integer intercept ``B e`` for ``b``:

    |W u Q / s + B e - (w x + b)|  <=  |Q / s| |W u - w|  +  |w| |Q / s - x|  +  |B e - b|

The first factor of each product is known per sample, the second once per model and exactly, as
a `Fraction`. The sums are floats rounded outward.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.exact import dot_upper, fraction_upper, gamma, upper, wire_error
from dcai_compile.families.linear.unfolded import Unfolded


@dataclass(frozen=True)
class Rounding:
    """What rounding did to the parameters: at least ``|W u - w|``, (n_rows, n_features), and ``|B e - b|``."""

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]


def score_errors(
    encoding: Encoding,
    X: Matrix,
    coef: NDArray[np.float64],
    rounding: Rounding,
) -> NDArray[np.float64]:
    """Upper bound of the error of each score, shape (n_samples, n_rows), real units."""
    sizes = abs(X.astype(np.float64)) if sparse.issparse(X) else np.abs(np.asarray(X, np.float64))
    errors = wire_error(encoding, X)
    wire_sizes = sizes + errors
    total = (
        dot_upper(wire_sizes, rounding.weights)
        + dot_upper(errors, np.abs(coef))
        + rounding.intercepts
    )
    return np.where(total == 0.0, 0.0, upper(total, 3))


def corner_bound(
    corner: NDArray[np.float64],
    coef: NDArray[np.float64],
    rounding: Rounding,
    encoding: Encoding,
) -> float:
    """The bound of `score_errors` for one sample, (n_features,), with the same result on any machine.

    The sums are `math.fsum`'s, correctly rounded, so that no order of summation shows in what is
    published.
    """
    # Any number may stand where calibration had whole ones: the wire's error always counts.
    half = fraction_upper(Fraction(1, 2 * encoding.scale)) if not encoding.is_counts else 0.0
    wire = np.where(corner > 0, half, 0.0)
    rows = zip(coef.tolist(), rounding.weights.tolist(), rounding.intercepts.tolist(), strict=True)
    errors, sizes = wire.tolist(), corner.tolist()
    worst = 0.0
    for weights, weight_errors, offset in rows:
        terms = [(x + e) * d for x, e, d in zip(sizes, errors, weight_errors, strict=True)]
        terms += [abs(w) * e for w, e in zip(weights, errors, strict=True)]
        worst = max(worst, fsum([*terms, offset]))
    return float(upper(worst, 4)) if worst else 0.0


def float_errors(
    X: Matrix,
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    dtype: Any,
) -> NDArray[np.float64]:
    """Upper bound of scikit-learn's own rounding in each score, shape (n_samples, n_rows).

    Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., (3.5): an inner product
    of length n computed in any order errs by at most gamma_n |x| |w|.
    """
    sizes = abs(X.astype(np.float64)) if sparse.issparse(X) else np.abs(np.asarray(X, np.float64))
    magnitude = dot_upper(sizes, np.abs(coef)) + np.abs(intercept)
    return np.asarray(upper(magnitude * gamma(coef.shape[1] + 2, dtype), 4), np.float64)


def folded_errors(X: Matrix, unfolded: Unfolded) -> NDArray[np.float64]:
    """Upper bound of what rounds between raw values and scores, shape (n_samples,).

    On scikit-learn's side every operation of its preprocessing and of its score, on ours the one
    rounding of each folded parameter: together less than twice gamma of the longest way times the
    sum of all terms' magnitudes.
    """
    sizes = abs(X.astype(np.float64)) if sparse.issparse(X) else np.abs(np.asarray(X, np.float64))
    magnitude = dot_upper(sizes, unfolded.abs_coef) + unfolded.abs_intercept
    return np.asarray(upper(magnitude * 2.0 * gamma(unfolded.depth + 2), 4).max(axis=1))


def exact_scores(
    X: Matrix,
    row: int,
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
) -> list[Fraction]:
    """The exact rational scores of sample `row`, one a row of `coef`."""
    if sparse.issparse(X):
        part = slice(X.indptr[row], X.indptr[row + 1])
        columns, values = X.indices[part], X.data[part]
    else:
        values = np.asarray(X)[row]
        columns = np.nonzero(values)[0]
        values = values[columns]
    factors = [Fraction(float(value)) for value in values]
    return [
        sum(
            (Fraction(float(weights[c])) * v for c, v in zip(columns, factors, strict=True)),
            Fraction(0),
        )
        + Fraction(float(b))
        for weights, b in zip(coef, intercept, strict=True)
    ]
