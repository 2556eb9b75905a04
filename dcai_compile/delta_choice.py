"""How learned lanes are arranged, chosen by what it is predicted to cost.

Every arrangement that the templates can write is priced over the same life of a model: its deployment,
and `CONTRIBUTIONS` contributions of a sample of typical length, each of them a lesson and a refund.
Storage is what tells arrangements apart, so storage is what is priced, by the rules of Osaka; all
arithmetic is in integers, as a contract must not depend on a machine's rounding.

Where samples are sparse, the width of low digits is a part of the arrangement. Narrow ones share fewer
slots; wide ones carry less often, which a lesson pays for at once and predictions ever after.

What is assumed: the features of a sample are any, as likely as all others. Words are not: a few are in
most texts, so that fewer slots are touched than is assumed here, alike in all arrangements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from dcai_compile.carrying import UNIT, carrying, power
from dcai_compile.delta import DeltaLayout, place_delta
from dcai_compile.rules import OSAKA
from dcai_compile.tables import DeltaTable

CONTRIBUTIONS = 1_000
"""Over which a deployment pays off."""

LESSON_WEIGHT = 4
"""What a lesson's gas counts. A claim's counts once: flags spare it what was not learned yet, in a young
model nearly everything. A deployment's counts once, too: one pays it, and everybody gains."""

MARGIN = 5
"""The arrangement that has proved itself on measured work gives way only where it is predicted to cost
more by one part in so many."""

FEW_ROWS = 3
"""Up to as many rows of a sparse model have proved to lie best each by itself, where lessons change one."""

WARM_SLOT = OSAKA.access + OSAKA.create + 100
"""Gas of a slot written at deployment, with the loop around it."""

CLAIM_GAS = 12_000_000
"""That much of a claim of twice a typical sample at most for slots of learned lanes, where some arrangement
takes no more: of the 16,777,216 of a transaction, computing takes the rest. Longer samples are refused."""

WARM_GAS = 8_000_000
"""That much of a deployment at most: half of what a transaction may take, as code has to fit, too."""

TYPICAL_ELEMENTS = 20
"""Of a sparse sample, where no calibration sample is known."""

NARROWEST = 4
"""Bits of a low digit at least: words that are in every other text fill narrower ones in a few lessons."""

WIDTH_MARGIN = 50
"""A narrower digit has to save one part in so many: computing with it takes a little more."""

EPOCHS = 8
"""Parts of a life in whose middles it is looked at."""

CARRY = OSAKA.access + OSAKA.rewrite + 1_500
"""Gas of a carry with what it computes, into a wide slot that is not zero."""

WIDE_LANE = 200
"""Gas of computing with a wide digit that a prediction reads."""


@dataclass(frozen=True)
class Priced:
    """One arrangement and its gas: deployment, one lesson, one prediction, all in all."""

    delta: DeltaLayout
    deployment: int
    lesson: int
    prediction: int

    @property
    def total(self) -> int:
        """Of the whole life, weighted."""
        return self.deployment + CONTRIBUTIONS * (LESSON_WEIGHT * self.lesson + self.prediction)


def choose_delta(
    table: DeltaTable, first_slot: int, free_bits: int, elements: int | None = None
) -> tuple[DeltaLayout, str]:
    """The cheapest arrangement, and why in words.

    `elements` is the length of a typical sample; flags go into the `free_bits` of the slot before
    `first_slot` if they fit there.
    """
    length = table.features
    if not table.dense:
        length = max(1, min(table.features, elements or TYPICAL_ELEMENTS))
    fitting = [delta for delta in _candidates(table, first_slot, free_bits) if _fits(delta)]
    claimable = [delta for delta in fitting if claim_reads(delta, length) <= CLAIM_GAS]
    priced = [price(delta, length) for delta in claimable or fitting]
    together, apart = (
        _cheapest([entry for entry in priced if entry.delta.row_by_row == rows])
        for rows in (False, True)
    )
    if together is None or apart is None:
        chosen = together or apart
        assert chosen is not None  # a cold arrangement always fits
        return chosen.delta, _why(chosen, None, length)
    proved, other = (apart, together) if table.rows <= FEW_ROWS else (together, apart)
    better = other.total * (MARGIN + 1) < proved.total * MARGIN
    chosen, rest = (other, proved) if better else (proved, other)
    return chosen.delta, _why(chosen, rest, length)


def _total(entry: Priced) -> int:
    return entry.total


def _cheapest(priced: list[Priced]) -> Priced | None:
    """The cheapest: of narrow low digits only if they are worth it beside all wider ones."""
    found: Priced | None = None
    for _, entries in groupby(
        priced, lambda entry: entry.delta.table.digits.low_bits
    ):  # widest first
        best = min(entries, key=_total)
        if found is None or best.total * WIDTH_MARGIN < found.total * (WIDTH_MARGIN - 1):
            found = best
    return found


def widths(table: DeltaTable) -> Iterator[DeltaTable]:
    """The table with its low digits as wide as they are, then narrower where the templates can write that.

    Of widths of which as many share a slot, the widest.
    """
    yield table
    if table.dense or not table.step:
        return
    sharing = 256 // table.digits.low_bits
    for bits in range(table.digits.low_bits - 1, NARROWEST - 1, -1):
        narrower = replace(table, digits=table.digits.narrowed(bits, table.grows))
        found = place_delta(narrower, 0, 0, True, False).per_slot
        # The proof of how many updates fit has to hold.
        if found > sharing and narrower.digits.reaches(table.digits):
            yield narrower
        sharing = found


def _candidates(table: DeltaTable, first_slot: int, free_bits: int) -> Iterator[DeltaLayout]:
    """What the templates can write."""
    if table.rows == 1 or table.dense:
        arrangements: tuple[bool, ...] = (True,)
    elif table.one_row:
        arrangements = (True, False)
    else:
        arrangements = (False,)  # lessons change all rows of a feature
    for each in widths(table):
        for row_by_row in arrangements:
            for warm in (True, False):
                yield place_delta(each, first_slot, free_bits, row_by_row, warm)


def _fits(delta: DeltaLayout) -> bool:
    return not delta.warm or delta.slots * WARM_SLOT <= WARM_GAS


def claim_reads(delta: DeltaLayout, length: int) -> int:
    """Gas of the slots that a claim of twice `length` elements reads at most, when all has carried."""
    table = delta.table
    if table.dense:
        return 0  # every arrangement reads them all
    elements, rows = min(2 * length, table.features), table.rows
    if delta.row_by_row:
        low, wide = rows * min(delta.stride, elements), rows * elements
    else:
        low, wide = min(delta.slots, elements * (1 if delta.group else delta.stride)), 0
        if table.digits.carries:
            places = range(min(table.features, max(1, delta.group)))
            wide = elements * max(len(delta.wide_of(feature)) for feature in places)
    return (low + min(delta.wide_slots, wide)) * OSAKA.access


def expected_slots(slots: int, draws: int) -> int:
    """How many of `slots` are touched by as many draws, in parts of `UNIT`: ``n - n (1 - 1/n)^draws``."""
    return slots * (UNIT - power(UNIT - UNIT // slots, draws))


def price(delta: DeltaLayout, length: int) -> Priced:
    """Gas of the storage of learned lanes, for samples of `length` elements."""
    table = delta.table
    runs = table.rows if delta.row_by_row else 1
    in_run = delta.slots // runs  # the slots among which a lesson of one row finds its own
    touched = in_run * UNIT if table.dense else expected_slots(in_run, length)
    if not delta.row_by_row and not delta.group:
        touched = min(length, table.features) * UNIT  # a slot of its own for a feature and a row
    changed = touched if table.one_row or not delta.row_by_row else touched * runs
    # Touched for the first time once in the model's life.
    ever = slots = delta.slots * UNIT
    if not table.dense:
        ever = expected_slots(delta.slots, min(length * CONTRIBUTIONS, 1 << 40))
    first = ever * (OSAKA.create - OSAKA.rewrite) // CONTRIBUTIONS
    lesson = changed * (OSAKA.access + OSAKA.rewrite) + (0 if delta.warm else first)
    read = slots if table.dense else min(slots, touched * runs)
    deployment = delta.slots * WARM_SLOT if delta.warm else 0
    carries, wide = _carries(delta, length)
    prediction = read * OSAKA.access + wide
    return Priced(delta, deployment, (lesson + carries) // UNIT, prediction // UNIT)


def _carries(delta: DeltaLayout, length: int) -> tuple[int, int]:
    """What carries cost a lesson, and a prediction that has to read wide digits, in parts of `UNIT`."""
    table = delta.table
    if table.dense or not table.step or not table.digits.carries:
        return 0, 0
    runs = table.rows if delta.row_by_row else 1
    rows = 1 if table.one_row else table.rows  # that a lesson changes lanes of
    # Lanes whose flags are the same, and wide slots that a feature's lanes of a run are in.
    near = min(delta.per_slot, table.features) if delta.row_by_row else delta.group * table.rows
    near = (near or delta.per_slot) * delta.sharing
    each = 1 if delta.row_by_row else -(-table.rows // delta.wide_per_slot)
    in_run = delta.slots // runs
    read = expected_slots(in_run * delta.wide_stride, length * each) * runs * OSAKA.access
    read += length * table.rows * WIDE_LANE * UNIT
    life = Fraction(CONTRIBUTIONS * length * rows, table.features * table.rows)
    lesson = prediction = 0
    for epoch in range(EPOCHS):
        moves = life * (2 * epoch + 1) / (2 * EPOCHS)
        lane = carrying(table.digits, table.grows, table.step, moves)
        lesson += length * rows * lane.next * CARRY
        prediction += read * (UNIT - power(UNIT - lane.beyond, near)) // UNIT
    # A wide slot is created once.
    ended = carrying(table.digits, table.grows, table.step, life).beyond
    filled = UNIT - power(UNIT - ended, min(near, delta.wide_per_slot))
    created = delta.wide_slots * filled * (OSAKA.create - OSAKA.rewrite) // CONTRIBUTIONS
    return lesson // EPOCHS + created, prediction // EPOCHS


def _why(chosen: Priced, rest: Priced | None, length: int) -> str:
    delta = chosen.delta
    text = delta.reason()
    if delta.table.rows > 1:
        text += "; row by row" if delta.row_by_row else "; all rows of a feature together"
    text += (
        f"; predicted for samples of {length} elements: {chosen.lesson:,} gas a lesson and "
        f"{chosen.prediction:,} a prediction when all has been taught"
    )
    if rest is not None:
        text += f", against {rest.lesson:,} and {rest.prediction:,} the other way round"
    return text


def typical_elements(examples: Sequence[Sized]) -> int | None:
    """The middle length of encoded samples; None if there are none."""
    lengths = sorted(map(len, examples))
    return lengths[len(lengths) // 2] if lengths else None
