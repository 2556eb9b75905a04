"""The parity table: every supported estimator on every data set that it fits.

    python -m benchmarks.parity [--only TEXT] [--updates N] [--markdown FILE]

Exit code 1 if any row fails. With `--markdown` the table is also written between the markers of
that file.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.datasets import DataSet, data_sets
from benchmarks.readme import replace_section
from dcai_compile import compile_model
from dcai_compile.verify import ParityReport

UPDATES = 40


@dataclass(frozen=True)
class Case:
    """An estimator to train, and how to compile it."""

    title: str
    estimator: Any
    options: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: str
    case: str
    encoding: str
    bits: int
    report: ParityReport
    seconds: float


def sgd(loss: str, schedule: str = "constant", eta0: float = 0.01) -> SGDClassifier:
    return SGDClassifier(
        loss=loss, penalty=None, learning_rate=schedule, eta0=eta0, random_state=0, max_iter=50
    )


def cases(data: DataSet) -> Iterator[Case]:
    """Every estimator; squared losses with a rate that is stable for the longest sample."""
    longest = (
        max(float(abs(row).power(2).sum()) for row in data.X)
        if is_text(data)
        else float((data.X**2).sum(axis=1).max())
    )
    small = min(0.01, 0.4 / longest)
    yield Case("LogisticRegression", LogisticRegression(max_iter=200), {"update": "log_loss"})
    yield Case(
        "LogisticRegressionCV",
        LogisticRegressionCV(Cs=3, cv=3, max_iter=200, l1_ratios=(0,), use_legacy_attributes=False),
        {"update": "frozen"},
    )
    yield Case("LinearSVC", LinearSVC(random_state=0), {"update": "hinge"})
    yield Case("RidgeClassifier", RidgeClassifier(), {"update": "perceptron"})
    yield Case("RidgeClassifierCV", RidgeClassifierCV(), {"update": "frozen"})
    if not is_text(data):
        yield Case("LinearDiscriminantAnalysis", LinearDiscriminantAnalysis(), {"update": "pa1"})
    yield Case("Perceptron", Perceptron(random_state=0), {})
    yield Case("PassiveAggressiveClassifier", PassiveAggressiveClassifier(random_state=0), {})
    for loss in SGDClassifier.loss_functions:
        yield Case(
            f"SGDClassifier {loss}", sgd(loss, eta0=small if "squared" in loss else 0.01), {}
        )
    yield Case("SGDClassifier pa1", sgd("hinge", "pa1", 1.0), {})
    yield Case("SGDClassifier pa2", sgd("hinge", "pa2", 1.0), {})


def is_text(data: DataSet) -> bool:
    return data.name.startswith("zipf")


def scaled(data: DataSet) -> DataSet:
    """Measurements to mean 0 and variance 1, as gradient descent needs them; text as it is."""
    if is_text(data):
        return data
    X = StandardScaler().fit(data.train[0]).transform(data.X)
    return DataSet(data.name, X, data.y, data.split)


def run(data: DataSet, case: Case, updates: int) -> Row:
    started = time.perf_counter()
    estimator = clone(case.estimator).fit(*data.train)
    compiled = compile_model(estimator, data.train[0], **case.options)
    X, y = data.unseen
    report = compiled.verify(data.X, updates=(X[:updates], y[:updates]))
    grid = compiled.integers.grid  # type: ignore[attr-defined]
    return Row(
        data.name, case.title, compiled.encoding, grid.bits, report, time.perf_counter() - started
    )


HEADER = (
    "| data | estimator | encoding | lane | samples | EVM mismatches | disagreements "
    "| undecided (largest margin) | bound | updates | drift (bound) |\n"
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def line(row: Row) -> str:
    report = row.report
    undecided = str(report.undecided)
    if report.undecided:
        undecided += f" ({report.largest_undecided_margin:.1e})"
    drift = f"{report.drift:.1e} ({report.drift_bound:.1e})" if report.drift_bound else "frozen"
    return (
        f"| {row.data} | {row.case} | {row.encoding} | {row.bits} | {report.samples} "
        f"| {report.evm_mismatches} | {report.disagreements} | {undecided} | {report.bound:.1e} "
        f"| {report.updates} | {drift} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose data or estimator has this text")
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    lines, passed = [HEADER], True
    print(HEADER)
    for data in map(scaled, data_sets().values()):
        for case in cases(data):
            if arguments.only not in f"{data.name} {case.title}":
                continue
            row = run(data, case, arguments.updates)
            lines.append(line(row))
            passed = passed and row.report.passed
            print(lines[-1], "" if row.report.passed else f"FAILED {row.report}", flush=True)
    print("PARITY HOLDS" if passed else "PARITY IS BROKEN")
    if arguments.markdown:
        text = arguments.markdown.read_text(encoding="utf-8")
        table = replace_section(text, "parity table", "\n".join(lines))
        arguments.markdown.write_text(table, encoding="utf-8")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
