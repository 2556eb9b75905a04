"""Gas of a multiply-accumulate of many classes, all in: a prediction, divided by its weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.operations import NONZERO_BYTE, TRANSACTION, ZERO_BYTE
from dcai_compile import calls, compile_model
from dcai_compile.deploy import place
from dcai_compile.evm import open_evms

CLASSES = 10


def gas_per_product(n_features: int, update: str, packed: bool) -> float:
    """Mean over samples without a zero, whose values have 30 bits; packed, 16."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(CLASSES, n_features))
    X = rng.random((600, n_features)) - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = LogisticRegression(max_iter=30).fit(X, (X @ true.T).argmax(axis=1))
    assert len(estimator.classes_) == CLASSES
    rate = {} if update == "frozen" else {"learning_rate": 0.01}
    compiled = compile_model(
        estimator, X, encoding="dense", update=update, weight_bits=16, packed=packed, **rate
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
    return total / len(compiled.examples) / (CLASSES * n_features)


def products() -> Iterator[tuple[str, float, float]]:
    """What was predicted; gas of a multiply-accumulate through DCAI's ABI, and of a packed sample."""
    for title, features, update in (
        ("10 x 784, frozen", 784, "frozen"),
        ("10 x 64, frozen", 64, "frozen"),
        ("10 x 64, updatable", 64, "log_loss"),
    ):
        yield (
            title,
            gas_per_product(features, update, packed=False),
            gas_per_product(features, update, packed=True),
        )
