"""DCAI's own work, W1 to W8: models, samples and labels, from a folder or made here.

The folder holds a `W<n>.json` each: `model` as DCAI's JSON, `classifications`, `samples` and a
`history_sample` with `features`, `data_int64`, `label_right`, `label_wrong` and
`prediction_in_exact_mathematics`. Who does not have them gets models of the same shapes, seeded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.look_alikes import look_alikes
from dcai_compile import Compiled, compile_model

WAITS: dict[str, Any] = {
    "refund_wait": 15,
    "owner_claim_wait": 20,
    "any_address_claim_wait": 20,
    "cost_weight": 10**15,
}
"""The settings with which DCAI's contracts were measured."""


@dataclass(frozen=True)
class Lesson:
    """A sample as the contract takes it, and the class that it is; None: what the model says."""

    data: tuple[int, ...]
    right: int | None


@dataclass(frozen=True)
class Workload:
    """One model, the samples to measure with by name, and the one that makes its history."""

    name: str
    model: dict[str, Any]
    samples: dict[str, Lesson]
    history: tuple[int, ...]
    X: Any
    dense: bool

    def compile(self, **options: Any) -> Compiled:
        """The workload as a system with the waits of the measurement."""
        encoding = "dense" if self.dense else "indices"
        if self.dense:
            options = {"step_bits": 16, **options}  # the lanes of the prototypes
        return compile_model(
            self.model, self.X, name=self.name, encoding=encoding, **WAITS, **options
        )


def load_workloads(folder: Path | None) -> list[Workload]:
    """Those of a folder, else look-alikes."""
    documents = look_alikes() if folder is None else _read(folder)
    return [workload_of(document) for document in documents]


def _read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"W{number}.json").read_text()) for number in range(1, 9)]


def workload_of(document: dict[str, Any]) -> Workload:
    samples = document["samples"]
    lessons = {}
    for sample in samples:
        name = f"{document['id']}/{len(sample['data_int64'])}"
        right = sample.get("prediction_in_exact_mathematics")
        lessons[name] = Lesson(tuple(sample["data_int64"]), right)
    every = [*samples, document["history_sample"]]
    dense = samples[0]["kind"] == "dense"
    rows = [sample["features"] for sample in every]
    X = np.array(rows) if dense else _counts(rows, document["model"])
    history = tuple(document["history_sample"]["data_int64"])
    return Workload(document["id"], document["model"], lessons, history, X, dense)


def _counts(rows: Sequence[Sequence[int]], model: dict[str, Any]) -> Any:
    words = _words(model)
    counts = np.zeros((len(rows), words), np.int64)
    for row, present in zip(counts, rows, strict=True):
        np.add.at(row, present, 1)
    return sparse.csr_array(counts)


def _words(model: dict[str, Any]) -> int:
    if "weights" in model:
        return len(model["weights"])
    if "totalNumFeatures" in model:
        return int(model["totalNumFeatures"])
    indices = [int(i) for entry in model["centroids"].values() for i in entry["centroid"]]
    return max(indices) + 1
