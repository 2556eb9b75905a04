"""How far a score in integers can be from scikit-learn's, sample by sample.

Every score but the normed one is, in real numbers, ``sum_i x_i E_i + F`` of logarithms E and F. Ours
differs where counts and alpha were rounded to units (a relative error of a factor is an absolute
one of its logarithm), where the wire rounds x, and by the truncations of the products; theirs where
doubles round. Both are bounded feature by feature, once a model, and then summed over a sample.

The normed score is a quotient ``N / S`` of two such sums. With errors e and f of the two,
``|N' / S' - N / S| <= (e + |N / S| f) / (|S| - f)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import fsum, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.exact import dot_upper, gamma, upper, wire_error
from dcai_compile.families.count_bayes.integers import CountIntegers

Table = NDArray[np.float64]

ROUNDOFF = 2.0**-53
PRODUCT_ERROR = 2.0**-98
"""At least the relative error of a product per factor, and per power of its denominator."""

LOG_ERROR = 2.0**-63
"""Twice that of a base-2 logarithm in X64, of which each normed score takes four."""


@dataclass(frozen=True)
class Terms:
    """Per class and feature, shape (n_classes, n_features), and per class, shape (n_classes,).

    Attributes
    ----------
    sizes, base_sizes : magnitudes of E and F.
    ours, base_ours : what units did to them.
    theirs, base_theirs : what scikit-learn's doubles did to them.
    """

    sizes: Table
    ours: Table
    theirs: Table
    base_sizes: Table
    base_ours: Table
    base_theirs: Table


def terms(integers: CountIntegers) -> Terms:
    """The errors of every parameter of a model."""
    kind = integers.model.kind
    builder = {"bernoulli": _bernoulli, "categorical": _categorical}.get(kind, _multinomial)
    return builder(integers)


def relative(real: Table, units: NDArray[Any], per_unit: Fraction) -> Table:
    """At least ``|log(units * per_unit / real)|``, from exact fractions, in the shape of `real`."""
    flat = [
        float(abs(Fraction(int(u)) * per_unit / Fraction(r) - 1))
        for u, r in zip(units.ravel().tolist(), real.ravel().tolist(), strict=True)
    ]
    found = np.array(flat, np.float64).reshape(real.shape)
    # |log(1 + e)| <= e / (1 - e)
    return np.where(found == 0.0, 0.0, upper(found / np.maximum(1.0 - found, 1e-9), 3))


def _numerators(integers: CountIntegers) -> tuple[Table, NDArray[np.object_]]:
    """``count + alpha`` as doubles and as units, shape (n_classes, n_features)."""
    model = integers.model
    counts, units = model.counts, integers.counts.astype(object)
    if model.kind == "complement":
        counts, units = counts.sum(axis=0) - counts, units.sum(axis=0) - units
    return counts + model.alpha, units * integers.factor_m + np.array(integers.alpha, object)


def _per_unit(integers: CountIntegers) -> Fraction:
    return integers.unit / integers.factor_m


def _prior(integers: CountIntegers) -> tuple[Table, Table, Table]:
    """Magnitude of each class's log prior, our error in it and doubles'; 0 for a probability of 0."""
    model = integers.model
    ours = np.zeros(model.n_classes)
    if not model.has_prior:
        return ours, ours, ours
    total = float(model.class_counts.sum())
    with np.errstate(divide="ignore"):
        if model.class_prior is None:
            sizes = np.abs(np.log(model.class_counts)) + abs(log(total))
            seen = np.where(model.class_counts > 0.0, model.class_counts, 1.0)
            units = [n or integers.grain for n in integers.class_counts]
            own = relative(seen, np.array(units, object), Fraction(1, integers.grain))
            ours = 2.0 * np.full(model.n_classes, own.max())
        else:
            sizes = np.abs(np.log(np.array(model.class_prior)))
    sizes = np.where(np.isfinite(sizes), sizes, 0.0)
    return sizes, ours, (4.0 * sizes + 4.0) * ROUNDOFF


def _multinomial(integers: CountIntegers) -> Terms:
    """Multinomial and complement: E is a log probability, F the log prior."""
    model = integers.model
    real, units = _numerators(integers)
    per_unit = _per_unit(integers)
    wholes = np.array([fsum(row) for row in real.tolist()])
    own = relative(real, units, per_unit)
    whole = relative(wholes, units.sum(axis=1), per_unit).reshape(-1, 1)
    sizes = np.abs(np.log(real / wholes.reshape(-1, 1)))
    # The sum of n numerators, a subtraction of large counts in the complement, and two logarithms.
    n = real.shape[1] + 4
    cancelled = 0.0
    if model.kind == "complement":
        cancelled = 3.0 * (model.counts.sum(axis=0) + model.alpha) / real
    logs = np.abs(np.log(real)) + np.abs(np.log(wholes)).reshape(-1, 1)
    theirs = (n + cancelled + 3.0 * logs + 3.0 * sizes) * ROUNDOFF * 1.01
    return Terms(sizes * 1.001, own + whole, theirs, *_prior(integers))


def _bernoulli(integers: CountIntegers) -> Terms:
    """E is log p - log(1 - p), F the log prior and the sum of all log(1 - p)."""
    model = integers.model
    per_unit = _per_unit(integers)
    alpha = np.array(integers.alpha, object)
    here = model.counts + model.alpha
    samples = model.class_counts.reshape(-1, 1)
    absent = (samples - model.counts) + model.alpha
    whole = samples + 2.0 * model.alpha
    counts = integers.counts.astype(object)
    own = np.array(integers.class_counts, object).reshape(-1, 1)
    present_error = relative(here, counts * integers.factor_m + alpha, per_unit)
    absent_error = relative(absent, (own - counts) * integers.factor_m + alpha, per_unit)
    whole_error = relative(
        np.broadcast_to(whole, here.shape),
        np.broadcast_to(own * integers.factor_m + 2 * alpha, here.shape),
        per_unit,
    )
    log_p = np.abs(np.log(here / whole))
    log_q = np.abs(np.log(absent / whole))
    p_error = (
        4.0 + 3.0 * np.abs(np.log(here)) + 3.0 * np.abs(np.log(whole)) + 3.0 * log_p
    ) * ROUNDOFF
    # scikit-learn takes 1 - exp(log p), in which everything but the rounding of p is lost near 1.
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = (p_error + 3.0 * ROUNDOFF) * whole / absent
        q_error = np.where(lost < 0.5, 2.0 * lost, np.inf) + 3.0 * log_q * ROUNDOFF
    prior, prior_ours, prior_error = _prior(integers)
    n = here.shape[1]
    return Terms(
        (log_p + log_q) * 1.001,
        present_error + absent_error,
        p_error + q_error,
        prior + log_q.sum(axis=1) * 1.001,
        prior_ours + np.array([fsum(row) for row in (absent_error + whole_error).tolist()]),
        prior_error + q_error.sum(axis=1) + log_q.sum(axis=1) * gamma(n),
    )


def _categorical(integers: CountIntegers) -> Terms:
    """E is a log probability of one column, F the log prior."""
    model = integers.model
    real, units = _numerators(integers)
    per_unit = _per_unit(integers)
    firsts = list(integers.offsets)
    sizes_of = np.array(model.sizes)
    wholes = np.add.reduceat(real, firsts, axis=1)
    own = np.array(integers.class_counts, object).reshape(-1, 1) * integers.factor_m
    whole_units = own + np.array([integers.alpha[0] * size for size in model.sizes], object)
    whole_error = np.repeat(relative(wholes, whole_units, per_unit), sizes_of, axis=1)
    spread = np.repeat(wholes, sizes_of, axis=1)
    sizes = np.abs(np.log(real / spread))
    logs = np.abs(np.log(real)) + np.abs(np.log(spread))
    theirs = (max(model.sizes) + 4.0 + 3.0 * logs + 3.0 * sizes) * ROUNDOFF * 1.01
    return Terms(
        sizes * 1.001,
        relative(real, units, per_unit) + whole_error,
        theirs,
        *_prior(integers),
    )


def sample_errors(integers: CountIntegers, X: Matrix) -> tuple[Table, Table]:
    """Per sample, shape (n_samples,): bound of our error, bound of scikit-learn's rounding."""
    found = terms(integers)
    sizes = abs(X.astype(np.float64)) if sparse.issparse(X) else np.abs(np.asarray(X, np.float64))
    wire = wire_error(integers.encoding, X)
    counted = np.asarray(sizes.sum(axis=1)).ravel().reshape(-1, 1)
    magnitude = dot_upper(sizes, found.sizes) + found.base_sizes
    n = X.shape[1] + 6
    ours = dot_upper(sizes, found.ours) + dot_upper(wire, found.sizes + found.ours)
    ours = ours + found.base_ours + (3.0 * counted + X.shape[1] + 8.0) * PRODUCT_ERROR
    theirs = dot_upper(sizes, found.theirs) + found.base_theirs + magnitude * gamma(n)
    # Turning a packed number, and the number of all samples, into a logarithm of doubles.
    ours = ours + (magnitude + log(max(2.0, float(integers.model.class_counts.sum())))) * 2.0**-50
    if integers.model.norm:
        ours, theirs = _normed(integers, found, magnitude, ours, theirs)
    return np.asarray(upper(ours.max(axis=1), 6)), np.asarray(upper(theirs.max(axis=1), 6))


def _normed(
    integers: CountIntegers, found: Terms, magnitude: Table, ours: Table, theirs: Table
) -> tuple[Table, Table]:
    whole = found.sizes.sum(axis=1) / 1.001
    n = found.sizes.shape[1]
    scores = magnitude / whole
    our_whole = found.ours.sum(axis=1) + (n + 4) * (PRODUCT_ERROR + LOG_ERROR)
    their_whole = found.theirs.sum(axis=1) + whole * gamma(n)
    ours = (ours + 4.0 * LOG_ERROR + scores * our_whole) / (whole - our_whole) + 2.0**-63
    theirs = (theirs + scores * their_whole) / (whole - their_whole) + scores * 4.0 * ROUNDOFF
    return ours, theirs


def published_bound(integers: CountIntegers, X: Matrix, encoding: Encoding) -> float:
    """The bound for any sample in the calibration range, with the same result on any machine.

    Sums are `math.fsum`'s, and logarithms are bounded by the lengths of integers.
    """
    found = terms(integers)
    largest = abs(X).max(axis=0)
    corner = np.ravel(largest.toarray() if sparse.issparse(largest) else largest).tolist()
    half = 0.0 if encoding.is_counts else float(Fraction(1, 2 * encoding.scale))
    bits = integers.factor_bits + len(corner).bit_length()  # no |log2| of a probability is larger
    worst = 0.0
    for row in range(integers.model.n_classes):
        errors = found.ours[row].tolist()
        sums = [
            (x + half) * error + half * bits for x, error in zip(corner, errors, strict=True) if x
        ]
        worst = max(worst, fsum([*sums, float(found.base_ours[row])]))
    product = (3.0 * fsum(corner) + len(corner) + 8.0) * PRODUCT_ERROR
    if integers.model.norm:
        # n shares of a whole have a product of at most n^-n, and n >= 2^(length - 1).
        n = len(corner)
        least = 0.693 * n * (n.bit_length() - 1)
        whole = max(fsum(row) for row in found.ours.tolist()) + (n + 4) * LOG_ERROR
        share = min(1.0, 0.694 * bits / least)
        worst = (worst + 4.0 * LOG_ERROR + fsum(corner) * share * whole) / (least - whole)
    return float(upper(worst + product, 8))
