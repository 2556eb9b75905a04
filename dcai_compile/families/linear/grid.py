"""The narrowest lanes that keep every calibration sample's class, for ``w x + b``.

A weight becomes ``W`` units ``u``. Where the model can be taught, ``u`` is a power of two times
the unit ``d`` of an update, so that base and delta add up as integers; both are then counted in
the finer of the two, `fine_unit`:

    score  =  factor_k * sum_i (W_i * factor_a + D_i * factor_e) * Q_i  +  B        in units of e
    e      =  fine_unit / (wire scale * factor_k)

`factor_k` is 100 where the intercept must move in hundredths of a step (`intercept_decay`).

A lane width is good enough when, for every calibration sample, scikit-learn's exact margin is
more than twice the proved error of the scores. Samples whose margin no width can prove (a
margin below the error of the wire encoding itself, a tie) must come out the same in exact
integer arithmetic instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Encoding, Matrix, Sample
from dcai_compile.errors import CompilerPanic, InvalidOption, PrecisionUnreachable
from dcai_compile.exact import exact_dot, fraction_upper
from dcai_compile.families.linear.bounds import (
    Rounding,
    corner_bound,
    exact_scores,
    float_errors,
    score_errors,
)
from dcai_compile.families.linear.plan import FACTOR_K_LIMIT, FINEST_EXPONENT
from dcai_compile.model import margins

WEIGHT_BITS = (8, 16, 24, 32, 40, 48, 56, 64)
"""Lane widths of the published weights: they live in code, where any number of bytes will do."""


@dataclass(frozen=True)
class Grid:
    """Integer parameters of a linear model; see the module's text for the formula.

    Attributes
    ----------
    weights : W, shape (n_rows, n_features).
    bits : lane width of W.
    factor_a, factor_e, factor_k : integer factors of base, delta and sum.
    fine_unit : real value of one unit of ``W a + D e``.
    intercepts : B, one a row.
    """

    weights: NDArray[np.int64]
    bits: int
    factor_a: int
    factor_e: int
    factor_k: int
    fine_unit: Fraction
    intercepts: tuple[int, ...]

    def score_unit(self, encoding: Encoding) -> Fraction:
        """The real value e of one unit of a score."""
        return self.fine_unit / (encoding.scale * self.factor_k)

    def scores(self, encoding: Encoding, samples: list[Sample]) -> NDArray[np.object_]:
        """Scores of the published model, shape (n_samples, n_rows)."""
        sums = exact_dot(encoding.matrix(samples), self.weights)
        offsets = np.array(self.intercepts, dtype=object)
        return np.asarray(sums * (self.factor_a * self.factor_k) + offsets)


def decide(scores: Any) -> int:
    """scikit-learn's rule: class 1 iff the score is above 0; for more rows the first maximum."""
    if len(scores) == 1:
        return int(scores[0] > 0)
    best = 0
    for row in range(1, len(scores)):
        if scores[row] > scores[best]:
            best = row
    return best


def choose_grid(
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    X: Matrix,
    encoding: Encoding,
    delta_unit: Fraction | None,
    weight_bits: int | str,
) -> tuple[Grid, float]:
    """The narrowest grid that keeps every calibration sample's class, with its proved bound.

    Parameters
    ----------
    coef, intercept : doubles, shapes (n_rows, n_features) and (n_rows,).
    X : calibration samples, (n_samples, n_features), none of them empty on the wire.
    delta_unit : real value of a delta lane's unit; None for a frozen model.
    weight_bits : ``"auto"`` or one of `WEIGHT_BITS`.

    Raises `PrecisionUnreachable` naming the sample, `InvalidOption` for an unknown width.
    """
    samples = encoding.encode(X)
    lost: int | None = 0
    widest = _make_grid(coef, intercept, encoding, delta_unit, WEIGHT_BITS[-1])
    rounding = rounding_of(widest, coef, intercept, encoding)
    # At most scikit-learn's exact margin: the doubles' own rounding is taken off.
    margin = margins(np.asarray(X.astype(np.float64) @ coef.T, np.float64) + intercept)
    margin -= 2.0 * float_errors(X, coef, intercept, np.float64).max(axis=1)
    errors = score_errors(encoding, X, coef, rounding).max(axis=1)
    unprovable = np.nonzero(margin <= 2.0 * errors)[0]
    for bits in _candidates(weight_bits):
        grid = _make_grid(coef, intercept, encoding, delta_unit, bits)
        rounding = rounding_of(grid, coef, intercept, encoding)
        errors = score_errors(encoding, X, coef, rounding).max(axis=1)
        proved = margin > 2.0 * errors
        proved[unprovable] = True
        lost = None if np.all(proved) else int(np.argmin(proved))
        if lost is None:
            lost = _first_changed(grid, coef, intercept, X, encoding, samples, unprovable)
        if lost is None:
            return grid, corner_bound(_corner(X), coef, rounding, encoding)
    assert lost is not None
    exact = sorted(exact_scores(X, lost, coef, intercept))
    gap = float(abs(exact[0]) if len(exact) == 1 else exact[-1] - exact[-2])
    raise PrecisionUnreachable(
        f"calibration sample {lost} has a margin of {gap:.6g}, and {bits}-bit weights are only "
        f"proved to within {errors[lost]:.6g}",
        hint="pass weight_bits='auto'"
        if weight_bits != "auto"
        else "leave this sample out of the calibration data, or retrain so that it is not a tie",
        sample=lost,
        margin=gap,
        bound=float(errors[lost]),
        bits=bits,
    )


def _candidates(weight_bits: int | str) -> tuple[int, ...]:
    if weight_bits == "auto":
        return WEIGHT_BITS
    if weight_bits not in WEIGHT_BITS:
        raise InvalidOption(
            f"weight_bits={weight_bits!r} is not a lane width",
            hint=f"choose 'auto' or one of {', '.join(map(str, WEIGHT_BITS))}",
            option="weight_bits",
            value=weight_bits,
        )
    return (int(weight_bits),)


def _make_grid(
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    encoding: Encoding,
    delta_unit: Fraction | None,
    bits: int,
) -> Grid:
    base = delta_unit if delta_unit is not None else Fraction(1)
    exponent = _finest_exponent(coef, base, bits)
    if delta_unit is not None:
        exponent = max(exponent, -FINEST_EXPONENT)
    unit = base * Fraction(2) ** exponent
    factor_a, factor_e = 1, 1
    if delta_unit is not None:
        factor_a, factor_e = (1 << max(0, exponent)), (1 << max(0, -exponent))
    factor_k = FACTOR_K_LIMIT if delta_unit is not None and encoding.is_sparse else 1
    fine = unit / factor_a
    score_unit = fine / (encoding.scale * factor_k)
    weights = np.array(
        [[round(Fraction(w) / unit) for w in row] for row in coef.tolist()], dtype=np.int64
    ).reshape(coef.shape)
    intercepts = tuple(round(Fraction(b) / score_unit) for b in intercept.tolist())
    return Grid(weights, bits, factor_a, factor_e, factor_k, fine, intercepts)


def _finest_exponent(coef: NDArray[np.float64], base: Fraction, bits: int) -> int:
    """The smallest exponent j for which every ``round(w / (base 2**j))`` fits in signed `bits`."""
    largest = Fraction(float(np.max(np.abs(coef)))) if coef.size else Fraction(0)
    if largest == 0:
        return 0
    limit = (1 << (bits - 1)) - 1
    ratio = largest / base / limit
    exponent = ceil(log2(ratio.numerator) - log2(ratio.denominator)) - 1
    while round(largest / (base * Fraction(2) ** exponent)) > limit:
        exponent += 1
    return exponent


def rounding_of(
    grid: Grid,
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    encoding: Encoding,
) -> Rounding:
    """What rounding did to each parameter, from exact fractions.

    A parameter that is not the nearest on the grid is no rounding but a fault: `CompilerPanic`.
    """
    unit = grid.fine_unit * grid.factor_a
    score_unit = grid.score_unit(encoding)
    weights = [
        [fraction_upper(abs(int(q) * unit - Fraction(w))) for q, w in zip(qs, ws, strict=True)]
        for qs, ws in zip(grid.weights.tolist(), coef.tolist(), strict=True)
    ]
    intercepts = [
        fraction_upper(abs(q * score_unit - Fraction(b)))
        for q, b in zip(grid.intercepts, intercept.tolist(), strict=True)
    ]
    rounding = Rounding(np.array(weights, np.float64).reshape(coef.shape), np.array(intercepts))
    if np.any(rounding.weights > fraction_upper(unit / 2)) or np.any(
        rounding.intercepts > fraction_upper(score_unit / 2)
    ):
        raise CompilerPanic("an integer parameter is not the nearest to the trained one")
    return rounding


def _corner(X: Any) -> NDArray[np.float64]:
    """The worst sample of the calibration range, (n_features,): every feature's largest magnitude."""
    largest = abs(X).max(axis=0)
    return np.ravel(largest.toarray() if sparse.issparse(largest) else largest).astype(np.float64)


def _first_changed(
    grid: Grid,
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    X: Any,
    encoding: Encoding,
    samples: list[Sample],
    rows: NDArray[np.int64],
) -> int | None:
    """The first of `rows` whose class differs between exact doubles and integers, or None."""
    if not len(rows):
        return None
    scores = grid.scores(encoding, [samples[row] for row in rows])
    for row, integer in zip(rows.tolist(), scores, strict=True):
        if decide(exact_scores(X, row, coef, intercept)) != decide(integer):
            return int(row)
    return None
