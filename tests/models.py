"""Small trained models that many tests share, trained and compiled once a process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.preprocessing import StandardScaler

from benchmarks.datasets import zipf_text
from dcai_compile import Compiled, compile_model


def compile_bare(estimator: Any, X: Any, y: Any = None, **options: Any) -> Compiled:
    """A classifier alone: what holds for it holds inside a system, which has tests of its own."""
    return compile_model(estimator, X, y, incentive=None, **options)


@cache
def iris() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


@cache
def breast_cancer() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@cache
def text(n_words: int = 200, n_classes: int = 2) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    return zipf_text(200, n_words, n_classes, seed=1, length=(5, 20))


def sgd(loss: str = "hinge", schedule: str = "constant", eta0: float = 0.01) -> SGDClassifier:
    return SGDClassifier(
        loss=loss, penalty=None, learning_rate=schedule, eta0=eta0, random_state=0, max_iter=20
    )


@cache
def dense_binary() -> Compiled:
    X, y = breast_cancer()
    return compile_bare(sgd().fit(X, y), X, name="Tumour", class_names=("bad", "good"))


@cache
def dense_multiclass() -> Compiled:
    X, y = iris()
    return compile_bare(Perceptron(random_state=0).fit(X, y), X, name="Iris")


@cache
def sparse_binary() -> Compiled:
    X, y = text()
    return compile_bare(Perceptron(random_state=0).fit(X, y), X, name="Words")


@cache
def sparse_multiclass() -> Compiled:
    X, y = text(300, 3)
    return compile_bare(sgd("log_loss").fit(X, y), X, name="Topics")


@cache
def sparse_pa() -> Compiled:
    X, y = text()
    return compile_bare(sgd("hinge", "pa1", 0.5).fit(X, y), X, name="Passive")


@cache
def large_sparse() -> Compiled:
    """So many weights that they live in data contracts."""
    X, y = text(4200, 3)
    return compile_bare(Perceptron(random_state=0).fit(X, y), X, name="Large", weight_bits=16)


@cache
def large_dense() -> Compiled:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 1700))
    y = rng.integers(0, 2, 60)
    return compile_bare(sgd("perceptron").fit(X, y), X, name="LargeDense", weight_bits=64)


@cache
def frozen() -> Compiled:
    X, y = iris()
    estimator = LogisticRegression(max_iter=500).fit(X, y)
    return compile_bare(estimator, X, name="Frozen", update="frozen")


def lessons(compiled: Compiled) -> tuple[Any, Any]:
    """Samples and labels to teach each of the models above."""
    sources = {
        "Tumour": breast_cancer,
        "Iris": iris,
        "Frozen": iris,
        "Words": text,
        "Passive": text,
    }
    if compiled.options.name in sources:
        return sources[compiled.options.name]()
    if compiled.options.name == "LargeDense":
        rng = np.random.default_rng(4)
        return rng.normal(size=(20, 1700)), rng.integers(0, 2, 20)
    return text(compiled.integers.encoding.n_features, 3)


def learned_slots(compiled: Compiled) -> list[int]:
    """Every slot that updates may write, of a system's contract or of a classifier alone."""
    layout = compiled.layout
    ends = [stored.first_slot + stored.slots for stored in layout.stored]
    if layout.delta is not None:
        ends.append(layout.delta.end)
    return list(range(min(layout.slots.values()), max(ends)))
