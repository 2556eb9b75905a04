"""How learned lanes are arranged, chosen by what it is predicted to cost.

Every arrangement that the templates can write is priced over the same life of a model: its deployment,
and `CONTRIBUTIONS` contributions of a sample of typical length, each of them a lesson and a refund.
Storage is what tells arrangements apart, so storage is what is priced, by the rules of Osaka; all
arithmetic is in integers, as a contract must not depend on a machine's rounding.

What is assumed: the features of a sample are any, as likely as all others. Words are not: a few are in
most texts, so that fewer slots are touched than is assumed here, alike in all arrangements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass

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

WARM_GAS = 8_000_000
"""That much of a deployment at most: half of what a transaction may take, as code has to fit, too."""

TYPICAL_ELEMENTS = 20
"""Of a sparse sample, where no calibration sample is known."""

UNIT = 1 << 64
"""Expected numbers of slots are counted in parts of one."""


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
    priced = [
        price(delta, length) for delta in _candidates(table, first_slot, free_bits) if _fits(delta)
    ]
    together, apart = (
        min((entry for entry in priced if entry.delta.row_by_row == rows), key=_total, default=None)
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


def _candidates(table: DeltaTable, first_slot: int, free_bits: int) -> Iterator[DeltaLayout]:
    """What the templates can write."""
    if table.rows == 1 or table.dense:
        arrangements: tuple[bool, ...] = (True,)
    elif table.one_row:
        arrangements = (True, False)
    else:
        arrangements = (False,)  # lessons change all rows of a feature
    for row_by_row in arrangements:
        for warm in (True, False):
            yield place_delta(table, first_slot, free_bits, row_by_row, warm)


def _fits(delta: DeltaLayout) -> bool:
    return not delta.warm or delta.slots * WARM_SLOT <= WARM_GAS


def expected_slots(slots: int, draws: int) -> int:
    """How many of `slots` are touched by as many draws, in parts of `UNIT`: ``n - n (1 - 1/n)^draws``."""
    missed, factor, left = UNIT, UNIT - UNIT // slots, draws
    while left:
        if left & 1:
            missed = missed * factor // UNIT
        factor = factor * factor // UNIT
        left >>= 1
    return slots * (UNIT - missed)


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
    return Priced(delta, deployment, lesson // UNIT, read * OSAKA.access // UNIT)


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
