"""Lanes as two digits, and where the digits and their flags lie in storage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile.delta import NEVER_ZERO, SLOT_BITS, DeltaLayout, place_delta
from dcai_compile.delta_choice import WARM_GAS, WARM_SLOT, choose_delta
from dcai_compile.digits import CARRY_AFTER, LOW_BITS, WIDE_BITS, Digits, digits_for
from dcai_compile.layout import Layout, plan_layout
from dcai_compile.tables import CodeTable, DeltaTable, Field, RecordTable, StorageTable


def named(digits: Digits) -> str:
    sign = ", no sign" if digits.unsigned else ""
    return f"{digits.low_bits} of {digits.bits}{sign}"


WIDTHS = [Digits(bits, low) for bits in LOW_BITS for low in LOW_BITS if low <= bits]
WIDTHS += [Digits(32, low) for low in (4, 5, 13)] + [Digits(32, low, True) for low in (4, 6, 13)]
NARROWED = [
    (Digits(bits, low), low_bits, grows)
    for bits, low in ((8, 8), (32, 8), (32, 16), (64, 32), (64, 64))
    for low_bits in (4, 5, 6, 7, 12, 24, 28)
    for grows in (False, True)
    if low_bits < low
]
EACH = pytest.mark.parametrize("digits", WIDTHS, ids=named)

MOST_WARM = WARM_GAS // WARM_SLOT
"""Slots that are written at deployment at most."""


def values(digits: Digits) -> st.SearchStrategy[int]:
    """Of a lane, often at the ends of its digits."""
    least, past = digits.least, digits.least + (1 << digits.low_bits)
    ends = [digits.minimum, digits.maximum, past - 1, past, least, least - 1, 1, -1]
    inside = [value for value in ends if digits.minimum <= value <= digits.maximum]
    return st.sampled_from(inside) | st.integers(digits.minimum, digits.maximum)


# Digits


@EACH
@given(data=st.data())
def test_a_value_is_its_digits(digits: Digits, data: st.DataObject) -> None:
    value = data.draw(values(digits))
    low, wide = digits.split(value)
    assert low + (wide << digits.low_bits) == value
    assert digits.least <= low < digits.least + (1 << digits.low_bits)
    assert abs(wide) <= digits.wide_max
    assert (digits.least == 0) == digits.unsigned


@EACH
@given(data=st.data())
def test_there_is_one_way_to_write_a_value(digits: Digits, data: st.DataObject) -> None:
    low = data.draw(st.integers(digits.least, digits.least + (1 << digits.low_bits) - 1))
    least = 0 if digits.unsigned else -digits.wide_max
    wide = data.draw(st.integers(least, digits.wide_max))
    value = low + (wide << digits.low_bits)
    assert digits.split(value) == (low, wide)
    assert digits.minimum <= value <= digits.maximum


@EACH
def test_the_limits_are_the_largest_digits(digits: Digits) -> None:
    least, most = digits.least, digits.least + (1 << digits.low_bits) - 1
    assert digits.split(digits.maximum) == (most, digits.wide_max)
    # One more is a digit more: what lessons carry is all that they check.
    assert digits.split(digits.maximum + 1) == (least, digits.wide_max + 1)
    outside = 1 << (digits.bits - 1)
    if digits.unsigned:
        assert (digits.minimum, digits.maximum) == (0, outside - 1)
        return
    assert digits.split(digits.minimum) == (least, -digits.wide_max)
    assert digits.split(digits.minimum - 1) == (most, -digits.wide_max - 1)
    # Inside the width that was asked for, and all of it but one wide digit.
    lost = (1 << digits.low_bits) + least if digits.carries else 0
    assert (digits.minimum, digits.maximum) == (lost - outside, outside - 1 - lost)


@EACH
def test_a_wide_digit_fits_in_the_narrowest_lane(digits: Digits) -> None:
    assert digits.carries == (digits.low_bits < digits.bits)
    if not digits.carries:
        assert (digits.wide_bits, digits.wide_max) == (0, 0)
        return
    narrower = [bits for bits in WIDE_BITS if bits < digits.wide_bits]
    assert digits.wide_bits in WIDE_BITS
    assert digits.wide_max < 1 << (digits.wide_bits - 1)
    assert all(digits.bits - digits.low_bits > bits for bits in narrower)


@pytest.mark.parametrize(("digits", "low_bits", "grows"), NARROWED)
def test_narrower_digits_reach_as_far(digits: Digits, low_bits: int, grows: bool) -> None:
    found = digits.narrowed(low_bits, grows)
    assert (found.bits, found.low_bits) == (digits.bits, low_bits)
    # Whole bytes are read with their sign, whatever they are for.
    assert found.unsigned == (grows and low_bits % 8 != 0) and found.masked == (low_bits % 8 != 0)
    # Where lanes had one digit only, the new one takes a part of what they reach.
    assert found.reaches(digits) == (digits.carries or found.unsigned)
    assert not found.unsigned or found.minimum == 0
    assert abs(found.minimum) <= 1 << (digits.bits - 1) > found.maximum
    assert found.wide_max < 1 << (found.wide_bits - 1)


@pytest.mark.parametrize("bits", LOW_BITS)
@pytest.mark.parametrize("low", LOW_BITS)
def test_a_low_digit_is_as_wide_as_some_steps(bits: int, low: int) -> None:
    past = (1 << (low - 1)) // CARRY_AFTER  # so many steps of this size just do not fit
    wider = [other for other in LOW_BITS if other > low]
    assert digits_for(bits, past - 1) == Digits(bits, min(bits, low))
    for step in (past, past + 1):
        assert digits_for(bits, step) == Digits(bits, min([bits, *wider[:1]]))


@pytest.mark.parametrize("step", [-5, 0, 1])
def test_the_narrowest_digit_is_for_the_smallest_steps(step: int) -> None:
    assert digits_for(64, step) == Digits(64, LOW_BITS[0])


# Places


@st.composite
def tables(draw: st.DrawFn) -> DeltaTable:
    rows = draw(st.sampled_from([1, 2, 3, 4, 7, 32, 33, 70]))
    features = draw(st.integers(1, 3_000 // rows) | st.integers(1, 40))
    digits = draw(st.sampled_from(WIDTHS))
    dense, one_row, grows = (draw(st.booleans()) for _ in range(3))
    dense = dense and not digits.masked
    grows = grows or digits.unsigned
    return DeltaTable(features, rows, digits, dense, one_row, "because", grows=grows)


@st.composite
def layouts(draw: st.DrawFn) -> DeltaLayout:
    first = draw(st.integers(1, 30))
    table, free_bits = draw(tables()), draw(st.integers(0, SLOT_BITS - 1))
    either = draw(st.booleans()) if table.one_row else False
    row_by_row = table.rows == 1 or table.dense or either
    return place_delta(table, first, free_bits, row_by_row, draw(st.booleans()))


@st.composite
def taught(draw: st.DrawFn) -> tuple[DeltaLayout, list[int]]:
    """A layout and what was learned: a few lanes that are not zero."""
    layout = draw(layouts())
    lanes = [0] * layout.table.lanes
    for at in draw(st.lists(st.integers(0, len(lanes) - 1), max_size=12)):
        lanes[at] = draw(values(layout.table.digits))
    return layout, lanes


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_every_lane_has_a_place_of_its_own(layout: DeltaLayout) -> None:
    table = layout.table
    places = [
        layout.place(feature, row) for feature in range(table.features) for row in range(table.rows)
    ]
    assert len(set(places)) == table.lanes
    slots = {slot for slot, _ in places}
    # No slot is without a lane, and none is missing.
    assert slots == set(range(layout.slots))
    assert all(0 <= place < layout.per_slot for _, place in places)
    used = layout.per_slot * table.digits.low_bits
    # The highest bit of a slot is no masked digit's.
    most = SLOT_BITS - 1 if table.digits.masked else SLOT_BITS
    assert used <= most < used + table.digits.low_bits


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_lanes_that_are_used_together_lie_together(layout: DeltaLayout) -> None:
    table = layout.table
    if layout.row_by_row:
        for row in {0, table.rows - 1}:
            found = [divmod(feature, layout.per_slot) for feature in range(table.features)]
            assert [layout.place(f, row) for f in range(table.features)] == [
                (row * layout.stride + slot, place) for slot, place in found
            ]
        return
    for feature in {0, table.features - 1}:
        slots = {layout.place(feature, row)[0] for row in range(table.rows)}
        assert len(slots) == -(-table.rows // layout.per_slot)


# Words


def signed(word: int, place: int, bits: int) -> int:
    lane = word >> (place * bits) & ((1 << bits) - 1)
    return lane - (1 << bits if lane >> (bits - 1) else 0)


def read_lane(layout: DeltaLayout, words: dict[int, int], slot: int, place: int) -> tuple[int, int]:
    """Low and wide digit, where a contract that ignores flags would read them."""
    digits = layout.table.digits
    stored = words[layout.first_slot + slot]
    if digits.unsigned:
        low = stored >> (place * digits.low_bits) & ((1 << digits.low_bits) - 1)
    else:
        low = signed(stored ^ layout.untouched, place, digits.low_bits)
    if not digits.carries:
        return low, 0
    per_slot = SLOT_BITS // digits.wide_bits
    at = layout.first_slot + layout.slots + slot * -(-layout.per_slot // per_slot)
    word = words.get(at + place // per_slot, 0)
    return low, signed(word, place % per_slot, digits.wide_bits)


@settings(max_examples=300, deadline=None)
@given(taught())
def test_words_can_be_read_back(case: tuple[DeltaLayout, list[int]]) -> None:
    layout, lanes = case
    table = layout.table
    words, flags = layout.words(lanes)
    assert set(words) <= set(range(layout.first_slot, layout.end))
    assert all(0 <= word < 1 << SLOT_BITS for word in words.values())
    expected: dict[int, int] = {}
    for lane, value in enumerate(lanes):
        slot, place = layout.place(*divmod(lane, table.rows))
        low, wide = read_lane(layout, words, slot, place)
        assert low + (wide << table.digits.low_bits) == value
        if value:
            flag = (1 if low or layout.sharing > 1 else 0) | (2 if wide else 0)
            group = slot - slot % layout.sharing
            for near in range(group, min(group + layout.sharing, layout.slots)):
                expected[near] = expected.get(near, 0) | flag
    assert flags == expected


@settings(max_examples=300, deadline=None)
@given(taught())
def test_flags_can_be_read_back(case: tuple[DeltaLayout, list[int]]) -> None:
    layout, lanes = case
    _, flags = layout.words(lanes)
    words = layout.flag_words(flags)
    found = {}
    for slot in range(layout.slots):
        if slot % layout.sharing:
            found[slot] = found[slot - 1]
            continue
        at, place = divmod(slot // layout.sharing, layout.flags_per_slot)
        assert layout.flags_at(slot) == layout.flags_slot + at
        shift = layout.flags_shift + place * layout.flag_bits
        # Never the highest bit: where slots are written at deployment, it keeps a slot from zero.
        assert shift + layout.flag_bits < SLOT_BITS
        found[slot] = words[layout.flags_slot + at] >> shift & layout.flag_mask
        words[layout.flags_slot + at] ^= found[slot] << shift
    assert {slot: flag for slot, flag in found.items() if flag} == flags
    assert set(words.values()) == {NEVER_ZERO if layout.warm else 0}
    assert len(words) == max(1, layout.flag_slots)


@pytest.mark.parametrize(("slots", "warm"), [(MOST_WARM, True), (MOST_WARM + 1, False)])
def test_few_slots_are_written_at_deployment(slots: int, warm: bool) -> None:
    table = DeltaTable(32 * slots, 1, Digits(32, 8), False, False, "because")
    layout, _ = choose_delta(table, 5, 0)
    assert (layout.slots, layout.warm) == (slots, warm)
    # Zero is written as the smallest number, so that hardly any slot ever becomes zero.
    lanes = {signed(layout.untouched, place, 8) for place in range(32)}
    assert lanes == {-128 if warm else 0}
    assert ("UNTOUCHED" in {constant.name for constant in layout.constants()}) == warm


@settings(max_examples=200, deadline=None)
@given(taught())
def test_a_masked_digit_is_what_it_is_more_than_the_smallest(
    case: tuple[DeltaLayout, list[int]],
) -> None:
    """What contracts rely on: a mask and a difference read it, of a word that lessons work on."""
    layout, lanes = case
    digits = layout.table.digits
    words, _ = layout.words(lanes)
    mask = (1 << digits.low_bits) - 1
    veil = int(layout.veil_literal or "0", 16)
    assert veil == layout.untouched ^ layout.blank
    assert (layout.blank_name == "0") == (layout.blank == 0)
    lows: list[dict[int, int]] = [{} for _ in range(layout.slots)]
    for lane, value in enumerate(lanes):
        slot, place = layout.place(*divmod(lane, layout.table.rows))
        lows[slot][place] = digits.split(value)[0]
    for slot, found in enumerate(lows):
        # Of a slot without anything learned lessons begin with `blank`.
        held = words[layout.first_slot + slot] ^ veil
        assert (held == layout.blank) == (not any(found.values()))
        for place, low in found.items() if digits.masked else ():
            assert (held >> (place * digits.low_bits) & mask) + digits.least == low


# Tables side by side


@st.composite
def whole_layouts(draw: st.DrawFn) -> Layout:
    widths = st.sampled_from([8, 31, 32, 64, 128, 256])
    lanes = st.integers(1, 40)
    stored: list[StorageTable | RecordTable] = [
        StorageTable(f"table{number}", draw(lanes), draw(widths), "because")
        for number in range(draw(st.integers(0, 3)))
    ]
    if draw(st.booleans()):
        fields = st.builds(Field, st.just("field"), st.integers(1, 85), st.just(""), st.booleans())
        found = draw(st.lists(fields, min_size=1, max_size=3))
        stored.append(RecordTable("records", draw(lanes), tuple(found), "because"))
    base = CodeTable(np.zeros((2, 1), np.int64), 8, "weights", "feature", ())
    return plan_layout(base, (*stored, draw(tables())), draw(st.integers(0, 3)))


def bits_of(layout: Layout) -> list[tuple[str, int, int]]:
    """Name, slot and mask of everything that is stored."""
    found = []
    for stored in layout.stored:
        for lane in range(stored.table.lanes):
            slot, shift, bits = stored.place(lane)
            mask = ((1 << bits) - 1) << shift
            found.append((stored.table.name, stored.first_slot + slot, mask))
    delta = layout.delta
    assert delta is not None
    every = (1 << SLOT_BITS) - 1
    found += [("delta", slot, every) for slot in range(delta.first_slot, delta.wide_first)]
    found += [("wide", slot, every) for slot in range(delta.wide_first, delta.end)]
    words = delta.flag_words(dict.fromkeys(range(delta.slots), delta.flag_mask))
    found += [("flags", slot, word | NEVER_ZERO) for slot, word in words.items()]
    return found


@settings(max_examples=200, deadline=None)
@given(whole_layouts())
def test_no_two_tables_overlap(layout: Layout) -> None:
    taken: dict[int, int] = {}
    for name, slot, mask in bits_of(layout):
        assert taken.get(slot, 0) & mask == 0, name
        taken[slot] = taken.get(slot, 0) | mask
    # Nor is a slot left out, so that storage can be read in one piece.
    assert set(taken) == set(range(min(taken), max(taken) + 1))


@settings(max_examples=200, deadline=None)
@given(whole_layouts(), st.data())
def test_a_state_is_in_its_words(layout: Layout, data: st.DataObject) -> None:
    """Also where flags share a slot with the last table before them."""
    assert layout.delta is not None
    state: dict[str, Any] = {}
    for stored in layout.stored:
        lanes = [0] * stored.table.lanes
        for lane in data.draw(st.sets(st.integers(0, stored.table.lanes - 1), max_size=3)):
            half = 1 << (stored.place(lane)[2] - 1)
            lanes[lane] = data.draw(st.integers(-half, half - 1))
        state[stored.table.name] = np.array(lanes, dtype=object)
    added = [0] * layout.delta.table.lanes
    added[-1] = data.draw(values(layout.delta.table.digits))
    state["delta"] = np.array(added, dtype=object)
    words = layout.words(state)
    warm = layout.delta.warm
    for stored in layout.stored:
        for lane, value in enumerate(state[stored.table.name].tolist()):
            slot, shift, bits = stored.place(lane)
            word = words[stored.first_slot + slot]
            word ^= stored.untouched(slot) if warm else 0
            assert signed(word >> shift, 0, bits) == value
    flags = {slot: flag for slot, flag in layout.delta.words(added)[1].items() if flag}
    for slot, word in layout.delta.flag_words(flags).items():
        assert words[slot] & word == word


@settings(max_examples=100, deadline=None)
@given(whole_layouts())
def test_no_first_lesson_pays_for_a_fresh_slot(layout: Layout) -> None:
    """All that lessons write is other than zero from the deployment on, wide digits apart."""
    assert layout.delta is not None
    state = {s.table.name: np.zeros(s.table.lanes, np.int64) for s in layout.stored}
    words = layout.words({**state, "delta": np.zeros(layout.delta.table.lanes, np.int64)})
    assert set(words) == set(range(min(words), layout.delta.wide_first))
    assert all((word != 0) == layout.delta.warm for word in words.values())
