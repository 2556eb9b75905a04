"""The arrangement of learned lanes: what is cheapest is chosen, exactly, and works on the EVM."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import poisson, skellam
from sklearn.naive_bayes import MultinomialNB

from benchmarks.datasets import zipf_text
from dcai_compile import compile_model
from dcai_compile.carrying import UNIT, carrying
from dcai_compile.delta import DeltaLayout, place_delta
from dcai_compile.delta_choice import (
    CLAIM_GAS,
    MARGIN,
    WARM_GAS,
    WARM_SLOT,
    WIDTH_MARGIN,
    choose_delta,
    claim_reads,
    expected_slots,
    price,
    typical_elements,
    widths,
)
from dcai_compile.digits import Digits
from dcai_compile.encoding import Encoding
from dcai_compile.layout import OWN_CODE_LIMIT, own_code_gas, plan_layout
from dcai_compile.rules import PRAGUE
from dcai_compile.tables import CodeTable, DeltaTable
from dcai_compile.touches import read_by_prediction, storage_gas, written_by_update

EIGHT = Digits(32, 8)


def table(features: int, rows: int, *, dense: bool = False, one_row: bool = True) -> DeltaTable:
    return DeltaTable(features, rows, EIGHT, dense, one_row, "as a test wants it")


def chosen(found: DeltaTable, elements: int | None) -> DeltaLayout:
    return choose_delta(found, 5, 0, elements)[0]


@pytest.mark.parametrize("slots", [1, 2, 3, 32, 94, 5_000])
@pytest.mark.parametrize("draws", [0, 1, 2, 20, 75, 1_000])
def test_expected_slots_are_those_of_the_formula(slots: int, draws: int) -> None:
    exact = slots - slots * (1 - Fraction(1, slots)) ** draws
    assert abs(Fraction(expected_slots(slots, draws), UNIT) - exact) < Fraction(1, 1_000)


def test_long_samples_of_a_few_classes_lie_row_by_row() -> None:
    four = table(1_000, 4)
    assert not chosen(four, 5).row_by_row
    assert chosen(four, 60).row_by_row
    assert not chosen(table(1_000, 10), 20).row_by_row
    assert [chosen(table(1_000, rows), 20).row_by_row for rows in (1, 2, 3)] == [True] * 3


def test_what_no_transaction_could_claim_gives_way() -> None:
    """Lessons would be cheaper row by row, and a claim of what has carried would need all of a transaction."""
    many = table(4_000, 12)
    taken = chosen(many, 600)
    assert not taken.row_by_row
    apart = place_delta(many, 5, 0, True, False)
    assert claim_reads(taken, 600) <= CLAIM_GAS < claim_reads(apart, 600)
    plain = replace(many, digits=Digits(32, 32))  # which never carries
    assert claim_reads(place_delta(plain, 5, 0, False, False), 600) > 0
    assert price(apart, 600).total * (MARGIN + 1) < price(taken, 600).total * MARGIN


def test_what_templates_cannot_write_is_no_candidate() -> None:
    assert chosen(table(64, 10, dense=True), None).row_by_row
    for elements in (1, 20, 1_000):
        assert not chosen(table(1_000, 3, one_row=False), elements).row_by_row


def test_the_choice_is_the_cheaper_one_beyond_the_margin() -> None:
    for rows in (2, 3, 4, 5, 8, 40):
        for length in (1, 5, 20, 60, 200):
            found = table(1_000, rows)
            taken = chosen(found, length)
            other = place_delta(found, 5, 0, not taken.row_by_row, taken.warm)
            ours, theirs = price(taken, length).total, price(other, length).total
            if claim_reads(other, length) <= CLAIM_GAS:
                assert ours * MARGIN <= theirs * (MARGIN + 1), (rows, length)


@pytest.mark.parametrize("grows", [True, False])
@pytest.mark.parametrize(
    ("features", "sharing"), [(381, 1), (382, 2), (762, 2), (763, 3), (1524, 4), (1525, 1)]
)
def test_slots_share_flags_where_all_fit_in_one_slot_then(
    features: int, sharing: int, grows: bool
) -> None:
    found = replace(table(features, 10), grows=grows)
    layout = place_delta(found, 5, 0, False, True)
    assert layout.group == 3 and layout.flags_per_slot == 127
    assert layout.sharing == (sharing if grows else 1)
    assert layout.in_word == (features <= 381 or (grows and sharing > 1))
    assert layout.first_slot == 5 + layout.flag_slots
    apart = place_delta(found, 5, 0, True, True)
    assert apart.sharing == 1


def test_slots_are_written_at_deployment_as_far_as_a_transaction_reaches() -> None:
    most = WARM_GAS // WARM_SLOT
    assert most == 360
    assert chosen(table(32 * most, 1), 20).warm
    assert not chosen(table(32 * most + 1, 1), 20).warm


def test_slots_that_nobody_will_touch_are_not_written_at_deployment() -> None:
    found = table(11_000, 1)
    warm, cold = (price(place_delta(found, 5, 0, True, w), 60) for w in (True, False))
    assert cold.deployment == 0 < warm.deployment and cold.lesson > warm.lesson
    assert warm.prediction == cold.prediction


def test_the_reason_has_the_figures_of_both() -> None:
    delta, why = choose_delta(table(1_000, 2), 5, 0, 20)
    priced = price(delta, 20)
    assert f"{priced.lesson:,} gas a lesson" in why and "the other way round" in why
    assert "row by row" in why and "20 elements" in why
    assert choose_delta(table(1_000, 2), 5, 0, 20) == (delta, why)


def test_own_code_is_cheaper_to_read_than_another_contract_at_every_size() -> None:
    sizes = [own_code_gas(size) for size in range(0, OWN_CODE_LIMIT + 1, 32)]
    assert sizes == sorted(sizes) and sizes[-1] < PRAGUE.account


def test_typical_is_the_middle_length() -> None:
    assert typical_elements([]) is None
    assert typical_elements([[1], [1, 2, 3], [1, 2]]) == 2


@pytest.mark.slow
def test_a_model_of_four_classes_row_by_row_is_what_python_says() -> None:
    X, y = zipf_text(120, 600, 4, seed=3, length=(50, 90))
    compiled = compile_model(MultinomialNB().fit(X, y), X, y, name="Long", encoding="indices")
    delta = compiled.layout.delta
    assert delta is not None and delta.row_by_row and delta.table.rows == 4
    report = compiled.verify(X[:20], updates=(X[:12], y[:12]))
    assert report.passed, report.mismatches


# Slots of a table that is not written at deployment


def test_lanes_that_come_back_to_zero_clear_their_slots() -> None:
    found = table(12_000, 1)
    base = CodeTable(np.zeros((12_000, 1), np.int64), 8, "weights", "feature", (Fraction(1),))
    layout = plan_layout(base, (found,), 1)
    delta = layout.delta
    assert delta is not None and not delta.warm
    empty = {"delta": np.zeros(12_000, np.int64)}
    one, carried = ({"delta": lanes["delta"].copy()} for lanes in (empty, empty))
    one["delta"][40] = 5
    carried["delta"][40] = 256  # low digit 0, wide digit 1
    low, wide = delta.first_slot + 1, delta.wide_first + delta.wide_stride + 1
    touches = written_by_update(layout, empty, one)
    assert touches.created == {delta.flags_slot, low} and not touches.rewritten
    assert storage_gas(PRAGUE, touches) == 2 * 22_100
    touches = written_by_update(layout, one, empty)
    assert touches.cleared == {delta.flags_slot, low} and not touches.rewritten
    touches = written_by_update(layout, one, carried)
    assert touches.cleared == {low} and wide in touches.created
    assert touches.rewritten == {delta.flags_slot} and touches.carries == 1
    encoding = Encoding("indices", 12_000, 100)
    reads = read_by_prediction(layout, encoding, carried, [40, 41])
    assert reads.accessed == {delta.flags_slot, wide}
    assert (reads.loads, reads.taught, reads.carried) == (0, 0, 2)


# Widths


def sparse(features: int, rows: int, **more: object) -> DeltaTable:
    more = {"one_row": True, "grows": True, "step": 1, **more}
    return DeltaTable(features, rows, EIGHT, False, reason="as a test wants it", **more)  # type: ignore[arg-type]


def digits_of(found: DeltaTable, elements: int) -> Digits:
    return chosen(found, elements).table.digits


def test_low_digits_of_words_are_as_narrow_as_a_life_allows() -> None:
    """A word that is in every other text fills eight bits; one in a thousand leaves four empty."""
    weights, counts = sparse(1_000, 1, grows=False, one_row=False), sparse(1_000, 2)
    assert [digits_of(weights, length).low_bits for length in (20, 100)] == [5, 6]
    assert [digits_of(counts, length).low_bits for length in (20, 60)] == [5, 6]
    assert digits_of(counts, 900) == EIGHT
    assert digits_of(sparse(1_000, 10), 20).low_bits == 5
    assert digits_of(counts, 20).unsigned and not digits_of(weights, 20).unsigned
    # What is taught in longer steps fills a digit in fewer.
    assert digits_of(sparse(1_000, 2, step=8), 20).low_bits == 7


def test_no_width_is_chosen_where_nothing_is_known_of_steps_or_samples_are_dense() -> None:
    for found in (sparse(1_000, 2, step=0), replace(sparse(1_000, 2), dense=True)):
        assert list(widths(found)) == [found]
        assert digits_of(found, 20) == EIGHT


def test_a_narrower_digit_is_another_number_of_lanes_and_reaches_as_far() -> None:
    for grows in (True, False):
        for digits in (EIGHT, Digits(32, 16), Digits(64, 32), Digits(16, 16)):
            found = list(widths(replace(sparse(1_000, 2, grows=grows), digits=digits)))
            assert found[0].digits == digits
            shared = [place_delta(each, 5, 0, True, True).per_slot for each in found]
            assert shared == sorted(set(shared))
            assert all(each.digits.reaches(digits) for each in found)
            # A lane of one digit alone reaches farther than one of two, if it has a sign.
            assert (len(found) == 1) == (not digits.carries and not grows)


def test_a_width_gives_way_to_a_narrower_one_that_is_worth_it() -> None:
    for length in (5, 20, 60, 200):
        found = sparse(1_000, 2)
        taken = price(chosen(found, length), length)
        for each in widths(found):
            other = price(place_delta(each, 5, 0, taken.delta.row_by_row, True), length)
            if each.digits.low_bits > taken.delta.table.digits.low_bits:
                assert taken.total * WIDTH_MARGIN < other.total * (WIDTH_MARGIN - 1)


@pytest.mark.parametrize("moves", [Fraction(1, 50), Fraction(3), Fraction(41, 2), Fraction(300)])
def test_chances_of_carries_are_those_of_the_formulas(moves: Fraction) -> None:
    """Against Poisson's and Skellam's distributions in floating point."""
    mean = float(moves)
    for bits in (4, 5, 6, 8):
        digits, size = Digits(32, bits, unsigned=True), 1 << bits
        found = carrying(digits, True, 1, moves)
        assert found.beyond / UNIT == pytest.approx(poisson.sf(size - 1, mean), abs=1e-9)
        ends = np.arange(size - 1, 2_000, size)
        assert found.next / UNIT == pytest.approx(poisson.pmf(ends, mean).sum(), abs=1e-9)
        walk = skellam(mean / 2, mean / 2)
        found = carrying(Digits(32, bits), False, 1, moves)
        half = size // 2
        assert found.beyond / UNIT == pytest.approx(2 * walk.sf(half - 1), abs=1e-9)
        edges = np.arange(half, 1_000, size)
        crossing = (walk.pmf(edges - 1) + walk.pmf(edges)).sum()
        assert found.next / UNIT == pytest.approx(crossing, abs=1e-9)


def test_a_long_step_leaves_a_digit_in_few() -> None:
    four = Fraction(4)
    assert carrying(Digits(32, 8, True), True, 16, four) == carrying(
        Digits(32, 4, True), True, 1, four
    )
    assert carrying(Digits(32, 4, True), True, 99, four).next == UNIT
