"""Models to fit the cost model on: the shapes of W1 to W8 in other sizes, with other seeds.

None of them is a workload that the model is checked on afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.look_alikes import bayes, centroids, document, sparse_centroids, weights
from benchmarks.workloads import Workload, workload_of

SEED = 20_000
DENSE_CENTROIDS = (
    *((2, size) for size in (60, 100, 250, 400, 560, 700, 900, 1_100)),
    *((10, 40), (8, 80), (12, 50), (5, 120), (7, 100), (10, 90), (8, 140)),
)
LENGTHS = (4, 9, 14, 25, 33, 48, 75, 100)


def fit_workloads() -> Iterator[tuple[Workload, dict[str, Any]]]:
    """One after the other, made when it is asked for; with options to compile it with."""
    for number, (words, bits) in enumerate(
        ((400, 8), (700, 16), (1_300, 8), (2_000, 16), (800, 32))
    ):
        rng = np.random.default_rng(SEED + number)
        model = {"type": "sparse perceptron", **weights(rng, words, 3.0)}
        if bits == 8:  # which they must fit
            model["weights"] = [round(8 * weight) / 8 for weight in model["weights"]]
        yield _words(f"Perceptron{words}", model, rng, words), {"weight_bits": bits}
    for number, (classes, words) in enumerate(
        (
            (2, 350),
            (2, 700),
            (2, 1_200),
            (2, 1_600),
            (10, 900),
            (10, 1_300),
            (8, 1_500),
            (12, 1_100),
        )
    ):
        rng = np.random.default_rng(SEED + 10 + number)
        counts = rng.poisson(_frequencies(rng, classes, words)) + 1
        yield _words(f"Bayes{classes}x{words}", bayes(counts), rng, words), {}
    for number, words in enumerate((350, 700, 1_200, 1_400)):
        rng = np.random.default_rng(SEED + 20 + number)
        counts = rng.poisson(_frequencies(rng, 2, words)) + 1
        rows = counts / counts.max()
        yield _words(f"WordCentroids{words}", sparse_centroids(rows), rng, words), {}
    for number, size in enumerate((60, 150, 300, 600, 800, 1_200, 110, 450, 930)):
        rng = np.random.default_rng(SEED + 30 + number)
        model = {"type": "dense perceptron", **weights(rng, size, 1.0)}
        yield _dense(f"Dense{size}", model, rng, size), {}
    for number, (classes, size) in enumerate(DENSE_CENTROIDS):
        rng = np.random.default_rng(SEED + 40 + number)
        means = rng.normal(0, 0.04, (classes, size))
        # Samples beside a centroid: one wrong lesson does not confuse the model for good.
        near = means[:2] / np.linalg.norm(means[:2], axis=1, keepdims=True)
        # Zeros as well, of which pairs are passed over where classes are many.
        kept = rng.random((2, size)) < (1.0 if classes < 4 else 0.3 + 0.1 * (number % 7))
        found = _dense(f"Centroids{classes}x{size}", centroids(means), rng, size, 2 * near, kept)
        yield found, {}
        # Exact sums are no tiles.
        yield replace(found, name=f"{found.name}Exact"), {"step_bits": "auto"}


def _frequencies(rng: Any, classes: int, words: int) -> Any:
    frequencies = 1_400 / np.arange(1, words + 1)
    return np.stack([rng.permutation(frequencies) for _ in range(classes)])


def _words(name: str, model: dict[str, Any], rng: Any, words: int) -> Workload:
    rows = [sorted(rng.choice(words, n, replace=False).tolist()) for n in (*LENGTHS, 20)]
    return workload_of(document(name, model, rows, "indices"))


def _dense(
    name: str, model: dict[str, Any], rng: Any, size: int, near: Any = 0.0, kept: Any = 1
) -> Workload:
    rows = rng.normal(size=(2, size))
    rows = near + rows / np.linalg.norm(rows, axis=1, keepdims=True)
    rows = kept * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return workload_of(document(name, model, rows.tolist(), "dense"))
