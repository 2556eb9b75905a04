"""Which encoding suits a model: decided by its calibration samples, and its limits with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import ENCODINGS, PAIR_MAX, TO_FLOAT, Encoding, EncodingName, Matrix
from dcai_compile.errors import InvalidOption
from dcai_compile.packing import dense_packing

MIN_MAX_LENGTH = 1024
"""Every ``indices`` contract takes samples at least this long, and ``pairs`` where it has the features."""

SMALL_COUNT = 255
"""Above this a value is a measurement rather than a count, and ``auto`` chooses ``dense``."""


def choose_encoding(
    name: str,
    X: Matrix,
    *,
    allowed: tuple[EncodingName, ...] = ENCODINGS,
    min_length: int = 1,
    prefer_counts: bool = False,
    longest: int | None = None,
) -> Encoding:
    """The encoding named, or for ``"auto"`` the one that suits the calibration samples `X`.

    Where fewer than half of the values are present, ``indices`` for whole counts up to 255 (a bag
    of words) and ``pairs`` for all other sparse matrices; else ``dense``. Only what is `allowed` can be chosen.
    With `prefer_counts` whole counts are listed even where most are present.
    The longest sparse sample that the contract will take is twice the longest calibration sample,
    and at least 1,024 elements, but no more than `longest`.
    """
    if name not in ("auto", *allowed):
        known = ", ".join(repr(known) for known in ("auto", *allowed))
        raise InvalidOption(
            f"encoding {name!r} does not suit this model"
            if name in ENCODINGS
            else f"encoding {name!r} is unknown",
            hint=f"choose one of {known}",
            option="encoding",
            value=name,
        )
    n_features = int(X.shape[1])
    values = np.asarray(X.data if sparse.issparse(X) else X)
    chosen = name if name != "auto" else _suitable(X, values, allowed, prefer_counts)
    if chosen == "dense":
        bits, unit = dense_packing(X)
        return Encoding("dense", n_features, n_features, packed_bits=bits, packed_unit=unit)
    if chosen == "pairs":
        pairs = _pairs(X, values, min_length)
        return replace(pairs, max_length=min(pairs.max_length, longest or pairs.max_length))
    sums = np.asarray(X.sum(axis=1)).ravel() if X.shape[0] else np.zeros(1)
    most = float(np.max(sums))
    if not np.isfinite(most) or most > 2**20:
        raise InvalidOption(
            f"a calibration sample counts {most:g} features, too many to list one by one",
            hint="encoding='dense' carries large values",
            option="encoding",
            value="indices",
        )
    length = max(MIN_MAX_LENGTH, 2 * int(most))
    repeats = int(values.max()) if values.size else 0
    return Encoding(
        "indices",
        n_features,
        min(length, longest or length),
        min_length=min_length,
        # Presence is no count: where no feature was ever counted twice, none is.
        max_count=1 if repeats <= 1 else 2 * repeats,
    )


def _suitable(
    X: Matrix, values: NDArray[Any], allowed: tuple[EncodingName, ...], prefer_counts: bool
) -> EncodingName:
    is_counts = bool(
        np.all(np.isfinite(values))
        and np.all((values >= 0) & (values <= SMALL_COUNT))
        and np.all(values == np.floor(values))
    )
    wanted: EncodingName = "dense"
    few = 2 * int(np.count_nonzero(values)) < X.shape[0] * X.shape[1]
    if few or (is_counts and prefer_counts):
        if is_counts:
            wanted = "indices"
        elif sparse.issparse(X):
            wanted = "pairs"
    return wanted if wanted in allowed else allowed[0]


def _pairs(X: Matrix, values: NDArray[Any], min_length: int) -> Encoding:
    """Pairs at the finest power of ten, up to 1e9, that carries twice the largest value."""
    n_features = int(X.shape[1])
    largest = float(np.max(np.abs(values))) if values.size else 0.0
    scale = TO_FLOAT
    while scale > 1 and not 2.0 * largest * scale <= PAIR_MAX:
        scale //= 10
    if not largest <= PAIR_MAX or n_features > PAIR_MAX:
        raise InvalidOption(
            f"a calibration value of {largest:g} does not fit beside its index",
            hint="scale the features (StandardScaler, MaxAbsScaler), or pass encoding='dense'",
            option="encoding",
            value="pairs",
        )
    present = np.asarray((X != 0).sum(axis=1)).ravel()
    longest = int(present.max()) if len(present) else 0
    length = min(n_features, max(MIN_MAX_LENGTH, 2 * longest))
    return Encoding("pairs", n_features, length, scale, min_length)


def without_empty(encoding: Encoding, X: Matrix) -> NDArray[np.bool_]:
    """Mask, shape (n_samples,), of the samples that the encoding can carry at all.

    Where a contract refuses a sample without any feature, such a sample cannot take part in
    calibration or verification.
    """
    if not encoding.is_sparse or encoding.min_length == 0:
        return np.ones(X.shape[0], np.bool_)
    # A value of half a unit rounds to zero, which is even.
    least = 0.5 / encoding.scale if encoding.name == "pairs" else 0.0
    present: NDArray[np.bool_] = np.asarray((abs(X) > least).sum(axis=1)).ravel() != 0
    return present
