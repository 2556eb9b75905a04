"""The parity table: every supported estimator on every data set that it fits, and pipelines.

    python -m benchmarks.parity [--only TEXT] [--updates N] [--markdown FILE]

Exit code 1 if any row fails. With `--markdown` the table is also written between the markers of
that file.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from sklearn.base import clone

from benchmarks.cases import Case, all_cases
from benchmarks.readme import replace_section
from dcai_compile import compile_model
from dcai_compile.families import family_of
from dcai_compile.verify import ParityReport

UPDATES = 40


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: str
    case: str
    encoding: str
    bits: int
    report: ParityReport
    seconds: float


def run(case: Case, updates: int) -> Row:
    started = time.perf_counter()
    data = case.data
    X, y = data.train
    estimator = clone(case.estimator).fit(X, y)
    compiled = compile_model(estimator, X, y, incentive=None, **case.options)
    fresh, labels = data.unseen
    report = compiled.verify(
        data.X,
        evm="auto" if case.light else "revm",
        updates=(fresh[:updates], labels[:updates]),
    )
    bits = family_of(compiled.integers.model.family).code_table(compiled.integers).bits
    seconds = time.perf_counter() - started
    return Row(data.name, case.title, compiled.encoding, bits, report, seconds)


HEADER = (
    "| data | estimator | encoding | lane | samples | EVM mismatches | disagreements "
    "| undecided (largest margin) | bound | updates | drift (bound) | EVMs |\n"
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def line(row: Row) -> str:
    report = row.report
    undecided = str(report.undecided)
    if report.undecided:
        undecided += f" ({report.largest_undecided_margin:.1e})"
    drift = f"{report.drift:.1e} ({report.drift_bound:.1e})"
    if report.reverted == report.updates:
        drift = "frozen"
    elif not report.drift and not report.drift_bound:
        drift = "none (0)"
    return (
        f"| {row.data} | {row.case} | {row.encoding} | {row.bits} | {report.samples} "
        f"| {report.evm_mismatches} | {report.disagreements} | {undecided} | {report.bound:.1e} "
        f"| {report.updates} | {drift} | {len(report.evms)} |"
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
    for case in all_cases():
        if arguments.only not in f"{case.data.name} {case.title}":
            continue
        row = run(case, arguments.updates)
        lines.append(line(row))
        passed = passed and row.report.passed
        seconds = f"{row.seconds:.1f} s"
        print(lines[-1], seconds if row.report.passed else f"FAILED {row.report}", flush=True)
    print("PARITY HOLDS" if passed else "PARITY IS BROKEN")
    if arguments.markdown:
        text = arguments.markdown.read_text(encoding="utf-8")
        table = replace_section(text, "parity table", "\n".join(lines))
        arguments.markdown.write_text(table, encoding="utf-8")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
