"""What a linear model was before its preprocessing was folded in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Unfolded:
    """A classifier behind preprocessing that was folded into it.

    Attributes
    ----------
    coef, intercept : of the classifier itself, shapes (n_rows, n_prepared) and (n_rows,).
    abs_coef, abs_intercept : the folded parameters with every term of their sums taken as its
        magnitude; they bound what rounding does on the way, scikit-learn's and ours.
    depth : roundings on the longest way from a raw value to a score.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    abs_coef: NDArray[np.float64]
    abs_intercept: NDArray[np.float64]
    depth: int
