"""Gas of every operation and size of every contract, committed, so that a change shows what it costs.

python -m tests.gas_snapshot --write     writes them anew
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.operations import measure
from benchmarks.workloads import Workload, load_workloads
from dcai_compile import Compiled
from dcai_compile.layout import CODE_SIZE_LIMIT
from tests.golden import golden

FILE = Path(__file__).resolve().parent / "gas_snapshot.json"
WAYS = (("fused", "abi"), ("fused", "packed"), ("modular", "abi"))
"""Layout, and through which entry."""


def of_workload(workload: Workload, layout: str, entry: str) -> dict[str, int]:
    """Gas by sample and operation of one look-alike of DCAI's own work."""
    found = measure(workload, layout, entry)
    return {f"{layout} {entry} {name} {operation}": gas for (name, operation), gas in found.items()}


def sizes(compiled: Compiled, name: str) -> dict[str, int]:
    """Bytes of runtime code of each contract of a golden model."""
    return {f"bytes of {name}.{part.name}": len(part.runtime) for part in compiled.contracts}


def too_large(facts: dict[str, int]) -> list[str]:
    """Contracts above what a chain takes."""
    return [name for name, size in facts.items() if size > CODE_SIZE_LIMIT]


def known() -> dict[str, int]:
    """What was written last."""
    facts: dict[str, int] = json.loads(FILE.read_text(encoding="utf-8"))
    return facts


def measured() -> dict[str, int]:
    """Everything, anew."""
    facts: dict[str, int] = {}
    for workload in load_workloads(None):
        for layout, entry in WAYS:
            facts |= of_workload(workload, layout, entry)
        facts |= sizes(workload.compile(), workload.name)
    for name, compiled in golden().items():
        facts |= sizes(compiled, name)
    return facts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    FILE.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
