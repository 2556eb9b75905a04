"""The data sets of the parity table: those that ship with scikit-learn, and seeded synthetic text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine


@dataclass(frozen=True)
class DataSet:
    """Shuffled samples, (n_samples, n_features), with labels; the first `split` train a model."""

    name: str
    X: Any
    y: NDArray[Any]
    split: int

    @property
    def train(self) -> tuple[Any, NDArray[Any]]:
        return self.X[: self.split], self.y[: self.split]

    @property
    def unseen(self) -> tuple[Any, NDArray[Any]]:
        return self.X[self.split :], self.y[self.split :]


def zipf_text(
    n_samples: int, n_words: int, n_classes: int, seed: int, length: tuple[int, int] = (20, 60)
) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Bags of words whose frequencies follow Zipf's law, shifted a little by the class.

    Every class has its own permutation of a tenth of the vocabulary, so that classes can be told
    apart without being trivial. Returns counts, (n_samples, n_words), and classes.
    """
    rng = np.random.default_rng(seed)
    base = 1.0 / np.arange(1, n_words + 1)
    frequencies = np.tile(base, (n_classes, 1))
    for row in frequencies:
        chosen = rng.choice(n_words, n_words // 10, replace=False)
        row[chosen] = row[rng.permutation(chosen)] * 3.0
    frequencies /= frequencies.sum(axis=1, keepdims=True)
    y = rng.integers(0, n_classes, n_samples)
    counts = np.stack(
        [rng.multinomial(rng.integers(length[0], length[1] + 1), frequencies[c]) for c in y]
    )
    return sparse.csr_array(counts.astype(np.int64)), y


def documents(n_classes: int) -> DataSet:
    """The same as raw strings, of words that are not in the order of their numbers."""
    counts, y = zipf_text(600, 800, n_classes, seed=77)
    rng = np.random.default_rng(77)
    texts = []
    for row in counts.toarray():
        words = np.repeat(np.arange(len(row)), row)
        texts.append(" ".join(f"Word{index * 7919 % 10007}" for index in rng.permutation(words)))
    return DataSet("documents", texts, np.array(["ham", "spam", "eggs"])[y], 400)


def data_sets() -> dict[str, DataSet]:
    """All data sets by name, shuffled with a fixed seed, 70 % for training."""
    found = {}
    for name, load in (
        ("breast_cancer", load_breast_cancer),
        ("digits", load_digits),
        ("iris", load_iris),
        ("wine", load_wine),
    ):
        X, y = load(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(y))
        found[name] = DataSet(name, X[order], y[order], int(0.7 * len(y)))
    for name, words, classes in (("zipf-2x1000", 1000, 2), ("zipf-5x5000", 5000, 5)):
        text, y = zipf_text(1000, words, classes, seed=words)
        found[name] = DataSet(name, text, y, 700)
    return found
