"""What was compiled and what was checked, as a handful of facts for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dcai_compile.families import family_of
from dcai_compile.incentives import incentive_of
from dcai_compile.verify import ParityReport

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled


def fact_lines(facts: dict[str, Any], width: int = 16) -> list[str]:
    """Title and value, a line each; a list's further items stand under its first."""
    lines = []
    for key, value in facts.items():
        title = key.replace("_", " ")
        for item in value if isinstance(value, list) else [value]:
            lines.append(f"{title:<{width}}{item}")
            title = ""
    return lines


def compile_summary(compiled: Compiled) -> dict[str, Any]:
    """Name, encoding, what was proved, where parameters live, sizes."""
    integers = compiled.integers
    lines: dict[str, Any] = dict(family_of(integers.model.family).context(integers)["summary"])
    incentive = incentive_of(compiled.options)
    if incentive is not None:
        lines["system"] = f"{compiled.options.layout}, {incentive.name}"
        lines["deposits"] = list(incentive.words(compiled.options))
    return {
        "contract": compiled.options.name,
        "estimator": integers.model.estimator,
        "classes": len(integers.model.classes),
        "encoding": f"{integers.encoding.name}, {integers.encoding.n_features} features",
        **lines,
        "proved_bound": f"{integers.bound:.6g}",
        "layout": list(compiled.layout.reasons),
        "code": contract_lines(
            compiled, {part.name: f"{len(part.runtime)} bytes" for part in compiled.contracts}
        ),
        "model_hash": "0x" + compiled.sources.model_hash.hex(),
    }


SHOWN_PARTS = 3
"""Data contracts that a list for people shows one by one."""


def contract_lines(compiled: Compiled, facts: Mapping[str, str]) -> list[str]:
    """A line a contract and its fact; many data contracts are one line."""
    parts = [part.name for part in compiled.sources.data_contracts]
    lines = [f"{name}: {fact}" for name, fact in facts.items()]
    if len(parts) <= SHOWN_PARTS:
        return lines
    rest = [f"{name}: {fact}" for name, fact in facts.items() if name not in parts]
    return [f"{parts[0]} to {parts[-1]}: {facts[parts[0]]} and so on", *rest]


def parity_summary(report: ParityReport) -> dict[str, Any]:
    """Both claims, and how they were checked."""
    machines = [
        f"{entry.name}: {entry.samples} samples, {entry.updates} updates, {entry.probes} limits, "
        f"{entry.calls_per_second:,.0f} calls/s"
        for entry in report.evms
    ]
    undecided = f"{report.undecided}"
    if report.undecided:
        undecided += f" (largest margin {report.largest_undecided_margin:.3g})"
    facts: dict[str, Any] = {
        "samples": f"{report.samples}" + (f", {report.empty} empty" if report.empty else ""),
        "EVM mismatches": report.evm_mismatches,
        "disagreements": report.disagreements,
        "undecided": undecided,
        "largest error": f"{report.max_error:.3g}, proved bound {report.bound:.3g}",
    }
    if report.updates:
        facts["updates"] = f"{report.updates}, of which {report.reverted} reverted"
        facts["drift"] = f"{report.drift:.3g}, proved bound {report.drift_bound:.3g}"
    facts["checked on"] = machines
    return facts
