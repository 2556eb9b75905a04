"""How wide numbers of classes are: proved for the horizon, and then as wide as takes no slot more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestCentroid

from dcai_compile.delta_choice import choose_delta
from dcai_compile.digits import Digits
from dcai_compile.families.centroid.integers import CentroidIntegers
from dcai_compile.records import MOST_BITS, slots_of, widest
from dcai_compile.tables import DeltaTable, Field, RecordTable
from tests.models import compile_bare
from tests.test_records import dense, made, records_of, words

HORIZON = 100_000
pytestmark = pytest.mark.filterwarnings("ignore:.*zero standard deviation:UserWarning")


@st.composite
def fields(draw: st.DrawFn) -> Callable[[int], tuple[Field, ...]]:
    """What a class keeps: a count, and perhaps something that grows with it or with its square."""
    power, each = draw(st.integers(0, 2)), draw(st.integers(1, 1 << 20))

    def made(updates: int) -> tuple[Field, ...]:
        count = Field("samples", updates.bit_length(), "")
        if not power:
            return (count,)
        return count, Field("more", (each * updates**power).bit_length(), "")

    return made


@st.composite
def delta_tables(draw: st.DrawFn) -> DeltaTable:
    dense = draw(st.booleans())
    low = draw(st.sampled_from([8, 16]))
    return DeltaTable(
        draw(st.integers(1, 300)),
        draw(st.integers(1, 20)),
        Digits(32, low),
        dense,
        True,
        "because",
        grows=draw(st.booleans()),
    )


@settings(max_examples=200, deadline=None)
@given(fields(), delta_tables(), st.integers(1, 1 << 24))
def test_fields_are_as_wide_as_makes_no_slot_more(
    made: Callable[[int], tuple[Field, ...]], delta: DeltaTable, horizon: int
) -> None:
    chosen, _ = choose_delta(delta, 0, 0)

    def slots(updates: int) -> int:
        table = RecordTable("records", delta.rows, made(updates), "")
        return slots_of(table, delta, chosen.row_by_row, chosen.warm)

    found = widest(made, delta.rows, delta, horizon)
    assert found >= horizon
    assert slots(found) == slots(horizon)
    more = (1 << (found.bit_length() + 1)) - 1
    assert found.bit_length() == MOST_BITS or slots(more) > slots(horizon)


def integers_with(sums: list[list[int]], value: int, length: int, name: str) -> CentroidIntegers:
    """A sparse model of two classes with these published sums."""
    compiled = made("squares and flags in a slot" if name == "indices" else "squares that fall")
    integers = compiled.integers
    assert isinstance(integers, CentroidIntegers)
    encoding = replace(
        integers.encoding, n_features=len(sums[0]), max_length=length, max_count=value
    )
    return replace(integers, encoding=encoding, sums=np.array(sums, np.int64), max_value=value)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(-20, 20), min_size=3, max_size=3), min_size=2, max_size=2),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 6),
    st.data(),
)
def test_no_squared_norm_leaves_its_field(
    sums: list[list[int]], value: int, length: int, updates: int, data: st.DataObject
) -> None:
    """Any lessons: each adds at most `value` to a feature, up or down, of at most `length` features."""
    integers = integers_with(sums, value, length, "pairs")
    _, field = integers.fields_for(updates)
    steps = st.lists(st.integers(-value, value), min_size=3, max_size=3)
    lessons = data.draw(st.lists(steps, min_size=updates, max_size=updates))
    for published in sums:
        now = list(published)
        for lesson in lessons:
            kept = sorted(range(3), key=lambda i, lesson=lesson: -abs(lesson[i]))[:length]  # type: ignore[misc]
            for feature in kept:
                now[feature] += lesson[feature]
            grown = sum(s * s for s in now) - sum(s * s for s in published)
            assert field.minimum <= grown <= field.maximum


@pytest.mark.parametrize("updates", [1, 7, 1000])
def test_the_bound_of_a_squared_norm_is_reached(updates: int) -> None:
    """Where every lesson has every word as often as may be: a width less would not do."""
    sums = [[4, 4, 4], [1, 0, 2]]
    integers = integers_with(sums, 2, 6, "indices")
    assert not integers.squares_fall
    lane = sum((4 + 2 * updates) ** 2 - 16 for _ in range(3))
    assert integers.fields_for(updates)[1].bits == lane.bit_length()
    # A count that was published below zero could fall.
    assert integers_with([[-1, 0, 0], [0, 0, 0]], 2, 6, "indices").squares_fall


def test_ten_counts_share_a_slot_with_the_flags_of_forty() -> None:
    """The shape of a classifier of digits; a longer horizon takes two slots, and fills them."""
    compiled = dense(64, 10, step_bits=16)
    records, delta = records_of(compiled), compiled.layout.delta
    assert delta is not None
    assert (records.slots, delta.own_flags, delta.slots) == (1, False, 40)
    assert records.table.bits == 17
    longer = dense(64, 10, step_bits=16, horizon=1 << 17)
    assert records_of(longer).slots == 2
    assert records_of(longer).table.bits == MOST_BITS
    for model, horizon in ((compiled, HORIZON), (longer, 1 << 17)):
        assert isinstance(model.integers, CentroidIntegers)
        assert horizon <= model.integers.proved_updates < 1 << model.integers.count_bits


def test_two_squared_norms_share_a_slot_with_the_flags() -> None:
    """The shape of a classifier of texts, two classes of a thousand words that are there or not."""
    X, y = words(1000, 2)
    X.data[:] = 1
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y, encoding="indices")
    records, delta = records_of(compiled), compiled.layout.delta
    assert delta is not None
    assert (records.slots, delta.own_flags) == (1, False)
    least = compiled.integers.fields_for(HORIZON)  # type: ignore[attr-defined]
    assert [f.bits >= g.bits for f, g in zip(records.table.fields, least, strict=True)] == [
        True
    ] * 2


def test_a_horizon_beyond_what_is_usual_is_kept() -> None:
    compiled = dense(3, 2, step_bits=16, horizon=1 << 33)
    assert records_of(compiled).table.fields[0].bits >= 34
