"""Gas is exact: a change of it is a change of the contract, and is meant or a mistake."""

from __future__ import annotations

import pytest

from benchmarks.workloads import load_workloads
from tests import gas_snapshot, golden

WORKLOADS = {workload.name: workload for workload in load_workloads(None)}
HINT = "if that is meant: make gas-snapshot"


def compare(found: dict[str, int]) -> None:
    before = gas_snapshot.known()
    changed = {
        name: f"{before.get(name, 0):,} -> {value:,}"
        for name, value in found.items()
        if before.get(name) != value
    }
    assert not changed, HINT


@pytest.mark.parametrize(("layout", "entry"), gas_snapshot.WAYS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_gas_is_what_it_was(name: str, layout: str, entry: str) -> None:
    compare(gas_snapshot.of_workload(WORKLOADS[name], layout, entry))


@pytest.mark.parametrize("name", golden.golden())
def test_sizes_are_what_they_were(name: str) -> None:
    sizes = gas_snapshot.sizes(golden.golden()[name], name)
    compare(sizes)
    assert not gas_snapshot.too_large(sizes)


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_fit_in_a_contract(name: str) -> None:
    compiled = WORKLOADS[name].compile()
    sizes = gas_snapshot.sizes(compiled, name)
    compare(sizes)
    assert not gas_snapshot.too_large(sizes)


def test_a_regression_is_seen() -> None:
    """One unit of gas more than what was written is a failure that says where."""
    name, gas = next(iter(gas_snapshot.known().items()))
    compare({name: gas})
    with pytest.raises(AssertionError, match="gas-snapshot"):
        compare({name: gas + 1})
    with pytest.raises(AssertionError, match="gas-snapshot"):
        compare({"an operation nobody has measured": 1})
