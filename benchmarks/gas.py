"""Gas of every operation on DCAI's own work, beside DCAI's contracts and the best prototypes.

    python -m benchmarks.gas [--workloads FOLDER] [--only W1,W4] [--entry abi|packed] [--write FILE]

`dcai_gas.csv` has DCAI's figures (solc 0.6.2), those of hand-written prototypes ("reached", through
DCAI's ABI; "packed") and the part that nothing can avoid ("floor"). Every operation is measured as
those were: two contributions with refunds as history, then one operation from that same state, a
fresh transaction each; see `benchmarks/operations.py`.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gas_reasons import REASONS
from benchmarks.long_run import long_run, zipf
from benchmarks.operations import measure
from benchmarks.products import products
from benchmarks.workloads import load_workloads
from dcai_compile.families import family_of

NEW_RECORD = 17_100
"""Gas of a new storage slot beside that of an overwritten one."""

BASELINE = Path(__file__).parent / "dcai_gas.csv"
LONG_RUN = Path(__file__).parent / "dcai_long_run.csv"
DEFAULT_FOLDER = Path("..") / "shared" / "reference" / "workloads"


@dataclass(frozen=True)
class Row:
    """One operation on one workload: gas of others, and ours."""

    workload: str
    operation: str
    entry: str
    optimized: int
    reached: int
    floor: int | None
    ours: int

    @property
    def of_dcai(self) -> float:
        """Ours as a part of DCAI's, compiled with its optimizer on."""
        return self.ours / self.optimized

    @property
    def of_reached(self) -> float:
        """Ours as a multiple of the prototype's."""
        return self.ours / self.reached

    @property
    def allowed(self) -> float:
        """As much as the row may cost: a tenth above the prototype, 15 % at deployment.

        The packed prototype overwrites spent records; ours keeps them, which is a new slot more.
        """
        if self.operation.startswith("deploy"):
            return 1.15 * self.reached
        kept = NEW_RECORD if self.entry == "packed" and self.operation.startswith("addData") else 0
        return 1.10 * self.reached + kept


def baseline() -> dict[tuple[str, str], dict[str, str]]:
    """The figures of others, by workload and operation."""
    with BASELINE.open(newline="", encoding="utf-8") as stream:
        return {(row["workload"], row["operation"]): row for row in csv.DictReader(stream)}


def rows(
    folder: Path | None, only: Iterable[str], layout: str, entry: str = "abi"
) -> Iterator[Row]:
    """Measure all operations of the workloads."""
    known = baseline()
    for workload in load_workloads(folder):
        if only and workload.name not in only:
            continue
        for (name, operation), ours in measure(workload, layout, entry).items():
            row = known[name, operation]
            floor = int(row["floor"]) if row["floor"] else None
            reached = int(row["reached" if entry == "abi" else "packed"])
            yield Row(name, operation, entry, int(row["optimized"]), reached, floor, ours)


def geometric_mean(values: Iterable[float]) -> float:
    """Of positive numbers."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


HEAD = """| workload | operation | DCAI optimized | prototype | floor | ours | / DCAI | / prototype |
|---|---|--:|--:|--:|--:|--:|--:|"""


def line(row: Row) -> str:
    """A row of Markdown; what is above its limit is bold."""
    floor = f"{row.floor:,}" if row.floor else "-"
    ratio = f"{row.of_reached:.3f}"
    if row.ours > row.allowed:
        ratio = f"**{ratio}**"
    return (
        f"| {row.workload} | {row.operation} | {row.optimized:,} | {row.reached:,} | {floor} "
        f"| {row.ours:,} | {row.of_dcai:.3f} | {ratio} |"
    )


def table(folder: Path | None, only: Iterable[str], layout: str, entry: str) -> Iterator[str]:
    """All rows, and what they come to."""
    yield HEAD
    found = []
    for row in rows(folder, only, layout, entry):
        found.append(row)
        yield line(row)
    mean = geometric_mean(row.of_dcai for row in found)
    above = sum(row.ours > row.allowed for row in found)
    yield ""
    yield (
        f"Geometric mean of ours / DCAI over {len(found)} rows: **{mean:.4f}**. {above} rows are above "
        "their limit (bold)."
    )


def modular_table(folder: Path | None, only: Iterable[str]) -> Iterator[str]:
    """The same operations on four contracts: what being replaceable costs."""
    yield "| workload | operation | DCAI optimized | modular | / DCAI |"
    yield "|---|---|--:|--:|--:|"
    for row in rows(folder, only, "modular", "abi"):
        if row.operation != "predict exec":
            yield f"| {row.workload} | {row.operation} | {row.optimized:,} | {row.ours:,} | {row.of_dcai:.3f} |"


def long_run_table(folder: Path | None, only: Iterable[str]) -> Iterator[str]:
    """A model of which every learned slot was touched."""
    with LONG_RUN.open(newline="", encoding="utf-8") as stream:
        known = {row["workload"]: row for row in csv.DictReader(stream)}
    yield "| workload | operation | prototype | ours |"
    yield "|---|---|--:|--:|"
    for workload in load_workloads(folder):
        if only and workload.name not in only:
            continue
        for name, operation, gas in long_run(workload.compile(), workload):
            reached = known.get(name, {}).get(operation)
            yield (
                f"| {name} | {operation} | {int(reached):,} | {gas:,} |"
                if reached
                else (f"| {name} | {operation} | - | {gas:,} |")
            )


def zipf_table(folder: Path | None) -> Iterator[str]:
    """The same 60 words in a vocabulary sorted by frequency, and in one that is not."""
    yield "| workload | vocabulary | operation | gas |"
    yield "|---|---|---|--:|"
    for workload in load_workloads(folder):
        if workload.name in ("W1", "W4", "W5"):
            for order, operation, gas in zipf(workload.compile(), workload):
                yield f"| {workload.name} | {order} | {operation} | {gas:,} |"


def product_table() -> Iterator[str]:
    """Multiply-accumulates of ten classes, by what values samples have: `benchmarks.products`."""
    yield "| prediction | gas a multiply-accumulate | packed |"
    yield "|---|--:|--:|"
    for title, gas, packed in products():
        yield f"| {title} | {gas:.1f} | {packed:.1f} |"


def size_table(folder: Path | None) -> Iterator[str]:
    """Bytes of the fused contracts: the published model, and everything else."""
    yield "| workload | published model | logic, DCAI's calls | logic, packed samples, too | bytes in all |"
    yield "|---|--:|--:|--:|--:|"
    for workload in load_workloads(folder):
        sizes = []
        for packed in (False, True):
            compiled = workload.compile(packed=packed)
            layout, integers = compiled.layout, compiled.integers
            rows = len(family_of(integers.model.family).code_table(integers).values)
            own = 0 if layout.base_parts else rows * layout.row_bytes
            sizes.append(len(compiled.main.runtime) - own)
        plain, whole = sizes
        yield f"| {workload.name} | {own:,} | {plain:,} | {whole:,} | {own + whole:,} |"


def report(folder: Path | None, only: list[str]) -> Iterator[str]:
    """Every table, as Markdown."""
    yield "# Gas"
    yield ""
    yield (
        "Every operation on DCAI's own work (W1 to W8), measured as DCAI was: see "
        "`benchmarks/operations.py`. Written by `make gas`; gas is exact, so these are the figures of any "
        "machine. *DCAI*: its contracts, optimizer on. *Prototype*: hand-written Yul, narrower than a "
        "product. *Floor*: what cannot be avoided. `predict exec` is without the 21,000 and the calldata."
    )
    parts: list[tuple[str, Iterator[str]]] = [
        ("Through DCAI's ABI, fused (`packed=False`)", table(folder, only, "fused", "abi")),
        ("Packed samples, fused", table(folder, only, "fused", "packed")),
        ("Why rows are above their limit", iter(REASONS.splitlines())),
        ("Modular", modular_table(folder, only)),
        ("Long run", long_run_table(folder, only)),
        ("Sorted vocabularies", zipf_table(folder)),
        ("Ten classes at once", product_table()),
        ("Bytes", size_table(folder)),
    ]
    for title, lines in parts:
        yield ""
        yield f"## {title}"
        yield ""
        yield from lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workloads", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--only", default="", help="workloads, such as W1,W4")
    parser.add_argument("--entry", choices=("abi", "packed"), help="one table instead of all")
    parser.add_argument("--layout", choices=("fused", "modular"), default="fused")
    parser.add_argument("--write", type=Path, help="a file for the tables")
    arguments = parser.parse_args()
    folder = arguments.workloads if arguments.workloads.is_dir() else None
    if folder is None:
        print("look-alikes: the figures of others are of the originals")
    only = [name for name in arguments.only.split(",") if name]
    lines = report(folder, only)
    if arguments.entry:
        lines = table(folder, only, arguments.layout, arguments.entry)
    text = []
    for shown in lines:
        print(shown, flush=True)
        text.append(shown + "\n")
    if arguments.write and folder is not None:
        arguments.write.write_text("".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
