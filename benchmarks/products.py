"""Gas of a multiply-accumulate of many classes, all in: a prediction, divided by its weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from benchmarks.operations import NONZERO_BYTE, TRANSACTION, ZERO_BYTE
from dcai_compile import calls, compile_model
from dcai_compile.deploy import place
from dcai_compile.evm import open_evms

CLASSES = 10

Lessons: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Samples and their classes."""


def real(n_features: int) -> Lessons:
    """Real values without a zero: 30 bits, and packed 16."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(CLASSES, n_features))
    X = rng.random((600, n_features)) - 0.5
    return X, (X @ true.T).argmax(axis=1)


def pixels(n_features: int) -> Lessons:
    """Whole numbers from 1 to 255, divided by 255; packed, bytes."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(CLASSES, n_features))
    X = rng.integers(1, 256, (600, n_features)) / 255
    return X, ((X - 0.5) @ true.T).argmax(axis=1)


def digits() -> Lessons:
    """scikit-learn's digits, 8 x 8 pixels from 0 to 16; packed, bytes."""
    X, y = load_digits(return_X_y=True)
    return X, y


def gas_per_product(lessons: Lessons, update: str, packed: bool) -> float:
    """Mean over calibration samples."""
    X, y = lessons
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = LogisticRegression(max_iter=30).fit(X, y)
    assert len(estimator.classes_) == CLASSES
    options: dict[str, Any] = {} if update == "frozen" else {"learning_rate": 0.01}
    compiled = compile_model(
        estimator, X, encoding="dense", update=update, weight_bits=16, packed=packed, **options
    )
    evm = open_evms("revm", fork="cancun")[0]
    address = place(compiled, evm).addresses[compiled.main.name]
    total = 0
    for sample in compiled.examples:
        values = compiled.packing.rounded(sample) if compiled.packing else sample
        data = calls.predict(values, compiled.packing)
        result = evm.call(address, data)
        assert result.success
        empty = data.count(0)
        total += result.gas_used - TRANSACTION
        total -= ZERO_BYTE * empty + NONZERO_BYTE * (len(data) - empty)
    return total / len(compiled.examples) / (CLASSES * X.shape[1])


def products() -> Iterator[tuple[str, float, float]]:
    """What was predicted; gas of a multiply-accumulate through DCAI's ABI, and of a packed sample."""
    for title, lessons, update in (
        ("10 x 784 real values, frozen", real(784), "frozen"),
        ("10 x 784 pixels, frozen", pixels(784), "frozen"),
        ("10 x 64 real values, frozen", real(64), "frozen"),
        ("10 x 64 real values, updatable", real(64), "log_loss"),
        ("10 x 64 pixels (digits), frozen", digits(), "frozen"),
        ("10 x 64 pixels (digits), updatable", digits(), "log_loss"),
    ):
        yield (
            title,
            gas_per_product(lessons, update, packed=False),
            gas_per_product(lessons, update, packed=True),
        )
