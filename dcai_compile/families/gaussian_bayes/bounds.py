"""How far a joint log-likelihood in integers can be from scikit-learn's, sample by sample.

A term is ``t = (x - m)^2 / v``. With a wire error e of x, an error d of m and v' in the place of v,
``|t' - t| <= (2 |x - m| + e + d) (e + d) / v (1 + q) + t q`` where ``q = |v / v' - 1|``; a logarithm of v
is off by at most the larger of q and ``|v' / v - 1|``. To that come the floors of the terms and of the
logarithm, and doubles on both sides. scikit-learn subtracts two doubles that are given, so that x - m is
rounded once, however much of it cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.encoding import TO_FLOAT, Matrix
from dcai_compile.exact import fraction_upper, gamma, upper, wire_error
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers

Table = NDArray[np.float64]

HALF_WIRE = fraction_upper(Fraction(1, 2 * TO_FLOAT))


@dataclass(frozen=True)
class Moments:
    """What integers did to the trained moments, rounded outward, shape (n_classes, n_features).

    Attributes
    ----------
    means : at least how far a mean moved.
    quotients : at least ``|v / v' - 1|`` of a variance v.
    logs : at least ``|log(v' / v)|``.
    """

    means: Table
    quotients: Table
    logs: Table


def moment_errors(integers: GaussianIntegers) -> Moments:
    """From exact fractions; 0 for a class without samples."""
    model = integers.model
    means, quotients, logs = (np.zeros(model.means.shape) for _ in range(3))
    for row, count in enumerate(model.class_counts):
        if count == 0:
            continue
        for feature in range(model.n_features):
            mean = Fraction(integers.sums[row][feature], count * TO_FLOAT)
            means[row, feature] = fraction_upper(
                abs(mean - Fraction(float(model.means[row, feature])))
            )
            trained = Fraction(float(model.variances[row, feature]))
            quotient = trained / integers.variance(row, feature)
            quotients[row, feature] = fraction_upper(abs(quotient - 1))
            logs[row, feature] = fraction_upper(max(abs(quotient - 1), abs(1 / quotient - 1)))
    return Moments(means, quotients, logs)


def _ours(
    integers: GaussianIntegers, moments: Moments, row: int, away: Table, wire: Table
) -> Table:
    """Our error in twice the score of one class, given ``|x - m|`` and the wire's error a value."""
    variances = integers.model.variances[row]
    quotients = moments.quotients[row]
    moved = wire + moments.means[row]
    terms = (2.0 * away + moved) * moved / variances * (1.0 + quotients)
    terms = terms + away * away / variances * quotients
    return np.asarray(terms.sum(axis=1) + moments.logs[row].sum())


def _floors(integers: GaussianIntegers) -> float:
    """Floors of d terms and of the logarithm, and the errors of the product and of ln 2."""
    d = integers.model.n_features
    # No binary logarithm of the product is larger: d factors of 250 bits, 2 d + 2 of 64, and the square
    # of the least double.
    logarithms = 512.0 * d + 4096.0
    product = 8.0 * (d + 2) * float(bigfloat.ROUNDOFF) + float(bigfloat.LOG_ERROR)
    return (d + 2) * 2.0**-integers.fraction_bits + logarithms * 2.0**-64 + product


def sample_errors(integers: GaussianIntegers, X: Matrix) -> tuple[Table, Table]:
    """Per sample, shape (n_samples,): bound of our error, bound of scikit-learn's rounding."""
    model = integers.model
    values = np.asarray(X, np.float64)
    moments = moment_errors(integers)
    wire = wire_error(integers.encoding, X)
    d = model.n_features
    rounding = gamma(d + 12, model.dtype)
    total = float(sum(model.class_counts))
    # What `real_scores` adds for each feature, and some more for the logarithm of a rounded product.
    shared = abs(log(integers.factor_k * TO_FLOAT**2 / (2.0 * pi))) + 4.0
    ours, theirs = np.zeros(len(values)), np.zeros(len(values))
    for row, count in enumerate(model.class_counts):
        if count == 0 or (model.priors is not None and model.priors[row] == 0.0):
            continue
        prior = count / total if model.priors is None else model.priors[row]
        away = np.abs(values - model.means[row]) * (1.0 + 2.0**-50)
        terms = (away * away / model.variances[row]).sum(axis=1)
        logs = np.abs(np.log(2.0 * pi * model.variances[row])).sum() + 2.0 * abs(log(prior))
        size = terms + logs + 2.0 * log(max(2.0, total)) + d * shared
        mine = _ours(integers, moments, row, away, wire) + _floors(integers) + size * gamma(8)
        ours = np.maximum(ours, 0.5 * mine)
        theirs = np.maximum(theirs, 0.5 * size * rounding)
    return np.asarray(upper(ours, d + 20)), np.asarray(upper(theirs, d + 20))


def published_bound(integers: GaussianIntegers, X: Any) -> float:
    """The bound for the calibration range, rounded up to three digits: the same on any machine.

    The worst sample has every feature as far from a class's mean as any calibration sample.
    """
    values = np.asarray(X, np.float64)
    moments = moment_errors(integers)
    wire = np.full((1, values.shape[1]), HALF_WIRE)
    worst = 0.0
    for row, count in enumerate(integers.model.class_counts):
        if count:
            away = np.abs(values - integers.model.means[row]).max(axis=0).reshape(1, -1)
            worst = max(worst, float(_ours(integers, moments, row, away, wire)[0]))
    return float(f"{0.5 * (worst + _floors(integers)) * 1.01:.2e}")
