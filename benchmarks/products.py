"""Gas of a multiply-accumulate of many classes, all in: a prediction, divided by its weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.operations import NONZERO_BYTE, TRANSACTION, ZERO_BYTE
from dcai_compile import abi, compile_model
from dcai_compile.deploy import place
from dcai_compile.evm import open_evms

CLASSES = 10
MNIST_ZEROS = 0.81
"""Share of zeros among the pixels of MNIST's training images: 80.9 %."""


def gas_per_product(n_features: int, zeros: float, update: str) -> float:
    """Mean over samples of this share of zeros; values have 30 bits otherwise."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(CLASSES, n_features))
    X = (rng.random((600, n_features)) - 0.5) * (rng.random((600, n_features)) >= zeros)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = LogisticRegression(max_iter=30).fit(X, (X @ true.T).argmax(axis=1))
    rate = {} if update == "frozen" else {"learning_rate": 0.01}
    compiled = compile_model(
        estimator, X, encoding="dense", update=update, incentive=None, weight_bits=16, **rate
    )
    evm = open_evms("revm", fork="cancun")[0]
    address = place(compiled, evm).addresses[compiled.main.name]
    total = 0
    for sample in compiled.examples:
        data = abi.sample_call(abi.PREDICT, sample)
        result = evm.call(address, data)
        assert result.success
        empty = data.count(0)
        total += result.gas_used - TRANSACTION
        total -= ZERO_BYTE * empty + NONZERO_BYTE * (len(data) - empty)
    return total / len(compiled.examples) / (CLASSES * n_features)


def products() -> Iterator[tuple[str, float]]:
    """What was predicted, and gas of a multiply-accumulate."""
    yield "10 x 784, frozen, no zeros", gas_per_product(784, 0.0, "frozen")
    yield "10 x 784, frozen, as many zeros as MNIST", gas_per_product(784, MNIST_ZEROS, "frozen")
    yield "10 x 64, updatable, no zeros", gas_per_product(64, 0.0, "log_loss")
    yield "10 x 64, updatable, half zeros", gas_per_product(64, 0.5, "log_loss")
