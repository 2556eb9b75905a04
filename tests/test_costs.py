"""The cost model: what it counts is what the EVM does, and its gas is the gas that is measured."""

from __future__ import annotations

import os
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fit_costs
from benchmarks.fit_costs import Point, check, fit, text_of
from benchmarks.workloads import Workload, load_workloads
from dcai_compile import Compiled, abi, cost_constants
from dcai_compile.costs import Costs
from dcai_compile.deploy import place
from dcai_compile.deployment import Deployment
from dcai_compile.errors import CompilerPanic, InvalidOption
from dcai_compile.evm import fastest_evm
from dcai_compile.rules import GLAMSTERDAM, OSAKA, PRAGUE, RULES, Rules, rules_of
from dcai_compile.touches import Touches, read_by_prediction, storage_gas, written_by_update
from dcai_compile.work import Work, charged, predicted_gas, repriced, state_charged
from dcai_compile.yul import division_gas
from tests import models

LIMIT = 0.03
ALIKE = {workload.name: workload for workload in load_workloads(None)}
REAL = os.environ.get("DCAI_WORKLOADS")


@cache
def compiled_alike(name: str) -> Compiled:
    return ALIKE[name].compile(layout="fused")


def worst_of(workload: Workload) -> None:
    wrong = {}
    for row, found in check(workload):
        error = found / row.gas - 1
        if abs(error) > LIMIT:
            wrong[row.name, row.operation] = f"{row.gas:,} measured, {found:,} predicted"
    assert not wrong, "python -m benchmarks.fit_costs --write"


@pytest.mark.parametrize("name", ALIKE)
def test_every_row_is_predicted_within_three_percent(name: str) -> None:
    worst_of(ALIKE[name])


@pytest.mark.skipif(not REAL, reason="DCAI_WORKLOADS does not say where W1.json to W8.json are")
@pytest.mark.parametrize("number", range(8))
def test_every_row_of_the_originals_is_predicted_within_three_percent(number: int) -> None:
    worst_of(load_workloads(Path(REAL or ""))[number])


@pytest.mark.parametrize("name", ["W1", "W3", "W4", "W8"])
def test_slots_written_are_those_that_the_evm_writes(name: str) -> None:
    compiled = compiled_alike(name)
    evm = fastest_evm()
    system = Deployment(compiled, evm, place(compiled, evm).addresses)
    mirror = compiled.new_mirror()
    delta = compiled.layout.delta
    assert delta is not None
    slots = list(range(compiled.layout.stored[0].first_slot, delta.end))
    for number, lesson in enumerate([*ALIKE[name].samples.values()] * 3):
        sample, label = list(lesson.data), number % 2
        old = evm.storage_many(system.address, slots)
        before = {key: lanes.copy() for key, lanes in mirror.state().items()}
        system.add_encoded(sample, label)
        mirror.update_encoded(sample, label)
        new = evm.storage_many(system.address, slots)
        found = written_by_update(compiled.layout, before, mirror.state())
        pairs = list(zip(slots, old, new, strict=True))
        assert found.rewritten == {slot for slot, a, b in pairs if a != b and a and b}
        assert found.created == {slot for slot, a, b in pairs if a != b and not a}
        assert found.cleared == {slot for slot, a, b in pairs if a != b and not b}
        assert found.changes == (old != new)


def test_an_untaught_model_reads_only_flags_and_header() -> None:
    compiled = compiled_alike("W1")
    sample = list(ALIKE["W1"].samples["W1/20"].data)
    fresh = compiled.new_mirror()
    delta = compiled.layout.delta
    assert delta is not None
    encoding = compiled.integers.encoding
    found = read_by_prediction(compiled.layout, encoding, fresh.state(), sample)
    assert found.accessed == {delta.flags_slot} and found.loads == found.taught == 0
    right = fresh.decide(fresh.scores([np.array(sample)])[0].tolist())
    fresh.update_encoded(sample, 1 - right)
    found = read_by_prediction(compiled.layout, encoding, fresh.state(), sample)
    assert found.taught == len(sample)
    assert len(found.accessed) == 1 + found.loads


@pytest.mark.parametrize("rules", RULES.values(), ids=lambda rules: rules.name)
@pytest.mark.parametrize("name", ["W1", "W4"])
def test_gas_grows_with_the_sample(name: str, rules: Rules) -> None:
    compiled = compiled_alike(name)
    costs = Costs(compiled)
    whole = list(ALIKE[name].samples[f"{name}/60"].data)
    found = []
    for length in (1, 2, 7, 8, 15, 31, 32, 45, 60):
        sample = whole[:length]
        mirror = compiled.new_mirror()
        right = mirror.decide(mirror.scores([np.array(sample)])[0].tolist())
        works = [
            costs.predict(mirror, sample),
            costs.add(mirror, sample, 1 - right),
            costs.refund(mirror, sample, 1 - right),
            costs.report_share(mirror, sample, right),
            costs.report_all(sample, right),
        ]
        found.append([costs.gas(work, rules) for work in works])
    for before, after in pairwise(found):
        assert all(a < b for a, b in zip(before, after, strict=True)), (before, after)


def test_a_lesson_that_changes_nothing_is_cheaper() -> None:
    compiled = compiled_alike("W1")
    costs = Costs(compiled)
    sample = list(ALIKE["W1"].samples["W1/20"].data)
    mirror = compiled.new_mirror()
    right = mirror.decide(mirror.scores([np.array(sample)])[0].tolist())
    same = costs.add(mirror, sample, right)
    assert not same.touches.changes
    other = costs.add(mirror, sample, 1 - right)
    assert other.touches.changes and costs.gas(same, OSAKA) < costs.gas(other, OSAKA)


# Prices


def test_slots_cost_what_the_rules_say() -> None:
    one, two, three = frozenset({1}), frozenset({1, 2}), frozenset({1, 2, 3})
    assert storage_gas(PRAGUE, Touches(one)) == 2_100
    assert storage_gas(PRAGUE, Touches(one, rewritten=one)) == 5_000
    assert storage_gas(PRAGUE, Touches(one, created=one)) == 22_100
    assert storage_gas(GLAMSTERDAM, Touches(one, rewritten=one)) == 12_100
    found = Touches(two, rewritten=one, loads=1) | Touches(three, created=frozenset({3}), written=1)
    assert storage_gas(PRAGUE, found) == 3 * 2_100 + 2_900 + 20_000
    assert (found.loads, found.written) == (1, 1)
    work = Work(touches=Touches(one, created=one), extra=(1, 0, 1), called=True)
    assert state_charged(work, PRAGUE) == 0
    assert state_charged(work, GLAMSTERDAM) == 2 * 97_920
    assert charged(work, GLAMSTERDAM) == 2 * (12_100 + 97_920)


@pytest.mark.parametrize(
    ("rules", "zero", "other"), [(PRAGUE, 10, 40), (OSAKA, 10, 40), (GLAMSTERDAM, 64, 64)]
)
def test_calldata_has_a_floor(rules: Rules, zero: int, other: int) -> None:
    work = Work(data=b"\0" * 300 + b"\1" * 100)
    floor = rules.transaction + zero * 300 + other * 100
    assert predicted_gas(work, rules, {}) == floor
    plain = rules.transaction + 4 * 300 + 16 * 100
    assert charged(work, rules) == plain
    missing = 100 * (floor - plain)
    for more, expected in ((-100, floor), (0, floor), (100, floor + 1)):
        step = Work(data=work.data, computing={"predict call": 1})
        assert predicted_gas(step, rules, {"predict call": missing + more}) == expected


def test_what_comes_back_is_a_fifth_at_most() -> None:
    many = frozenset(range(100))
    work = Work(touches=Touches(many, cleared=many))
    gas = 21_000 + 100 * 5_000
    assert predicted_gas(work, PRAGUE, {}) == gas - gas // 5
    one = Work(touches=Touches(frozenset({1}), cleared=frozenset({1})))
    assert predicted_gas(one, PRAGUE, {}) == 21_000 + 5_000 - 4_800


def test_the_same_rules_change_no_price() -> None:
    compiled = compiled_alike("W1")
    costs = Costs(compiled)
    sample = list(ALIKE["W1"].samples["W1/20"].data)
    work = costs.add(compiled.new_mirror(), sample, 0)
    assert repriced(work, PRAGUE, 123_456) == repriced(work, OSAKA, 123_456) == 123_456


def test_glamsterdam_changes_what_it_says_and_nothing_else() -> None:
    compiled = compiled_alike("W1")
    costs = Costs(compiled)
    sample = list(ALIKE["W1"].samples["W1/20"].data)
    mirror = compiled.new_mirror()
    right = mirror.decide(mirror.scores([np.array(sample)])[0].tolist())
    work = costs.add(mirror, sample, 1 - right)
    rewritten = len(work.touches.rewritten) + 1  # the totals
    more = rewritten * (12_100 - 5_000) + (12_100 + 97_920 - 22_100)
    assert not work.touches.created and work.value
    assert repriced(work, GLAMSTERDAM, 500_000) == 500_000 + more
    deployed = costs.deploy()[compiled.main.name]
    slots = deployed.extra[2]
    more = (1_530 - 200) * len(compiled.main.runtime) + 183_600 + 24_000 - 53_000
    more += slots * (12_100 + 97_920 - 22_100)
    assert repriced(deployed, GLAMSTERDAM, 9_000_000) == 9_000_000 + more


def test_unknown_rules_are_refused() -> None:
    assert rules_of("osaka").transaction_limit == 16_777_216
    for name in ("Osaka", "", "cancun"):
        with pytest.raises(InvalidOption) as caught:
            rules_of(name)
        assert caught.value.option == "rules" and "glamsterdam" in caught.value.hint


# Constants


def test_a_contract_that_was_never_fitted_has_no_price() -> None:
    costs = Costs(models.dense_multiclass())
    work = costs.predict(costs.compiled.new_mirror(), [0, 0, 0, 0])
    assert not costs.known
    with pytest.raises(CompilerPanic, match="no constants"):
        costs.gas(work, OSAKA)


def test_the_constants_are_as_the_command_writes_them() -> None:
    assert fit_costs.FILE.read_text(encoding="utf-8") == text_of(cost_constants.COMPUTING)


def test_a_fit_finds_the_constants_and_is_the_same_each_time() -> None:
    rng = np.random.default_rng(3)
    points = []
    for _ in range(40):
        calls, elements = 1, int(rng.integers(1, 90))
        gas = 2_000 + elements * 37 + elements // 2
        points.append(Point({"a call": calls, "a element": elements}, gas, gas + 21_000))
    constants = fit(points)
    assert constants == fit(points)
    assert abs(constants["a element"] - 3_750) < 5 and abs(constants["a call"] - 200_000) < 100


def test_a_division_costs_what_it_is_written_as() -> None:
    assert [division_gas(by) for by in (1, 2, 32, 3, 10)] == [0, 6, 6, 8, 8]


def test_calldata_is_as_clients_write_it() -> None:
    compiled = compiled_alike("W1")
    evm = fastest_evm()
    system = Deployment(compiled, evm, place(compiled, evm).addresses)
    system.packs = False  # the cost model is of the ABI
    sample = list(ALIKE["W1"].samples["W1/20"].data)
    contribution = system.add_encoded(sample, 1)
    costs, mirror = Costs(compiled), compiled.new_mirror()
    for work, data in (
        (costs.refund(mirror, sample, 1), system.refund_call(contribution)),
        (costs.report_all(sample, 1), system.report_call(contribution)),
        (costs.add(mirror, sample, 1), abi.add_data_call(sample, 1)),
    ):
        assert len(work.data) == len(data)
        assert work.data[:4] == data[:4] and abs(work.data.count(0) - data.count(0)) <= 2
