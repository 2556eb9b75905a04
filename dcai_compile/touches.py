"""Which storage slots an operation reads and writes, worked out from the layout and the mirror.

A prediction reads the flags, the slots whose flags say that they hold something for the sample, and
the header slots. An update writes what differs between the words that the mirror's state stands for
before and after it. So nothing here is estimated, for any model whose learned lanes are a `DeltaTable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.delta import CARRIED, NOT_ZERO, DeltaLayout
from dcai_compile.encoding import Encoding
from dcai_compile.layout import Layout
from dcai_compile.rules import Rules

State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Touches:
    """Storage slots by what is done with them; what is written counts as accessed, too.

    Attributes
    ----------
    accessed : all slots, each once.
    rewritten, created, cleared : slots changed, by whether they are zero before or after.
    loads : low slots that a prediction loads.
    taught : lanes of the sample in them.
    asked : elements of the sample of which some row's slot was taught.
    rows_taught : rows of which any lane was, in the whole model.
    written : low slots that an update changes.
    rows : rows of which an update changes lanes.
    relearned : lanes of the sample in slots changed that held something before.
    carried : lanes that a prediction reads with their wide digits.
    carries, slow : lanes that an update carries, and all lanes of their slots.
    """

    accessed: frozenset[int] = frozenset()
    rewritten: frozenset[int] = frozenset()
    created: frozenset[int] = frozenset()
    cleared: frozenset[int] = frozenset()
    loads: int = 0
    taught: int = 0
    asked: int = 0
    rows_taught: int = 0
    written: int = 0
    rows: int = 0
    relearned: int = 0
    carried: int = 0
    carries: int = 0
    slow: int = 0

    def __or__(self, other: Touches) -> Touches:
        """Both in one transaction, `other` being the one that writes."""
        return Touches(
            self.accessed | other.accessed,
            self.rewritten | other.rewritten,
            self.created | other.created,
            self.cleared | other.cleared,
            self.loads + other.loads,
            self.taught + other.taught,
            self.asked + other.asked,
            self.rows_taught + other.rows_taught,
            self.written + other.written,
            self.rows + other.rows,
            self.relearned + other.relearned,
            self.carried + other.carried,
            self.carries + other.carries,
            self.slow + other.slow,
        )

    @property
    def changes(self) -> bool:
        """Whether any slot changes."""
        return bool(self.rewritten or self.created or self.cleared)


def storage_gas(rules: Rules, touches: Touches) -> int:
    """Gas of the touches, what comes back for cleared slots left out."""
    return (
        rules.access * len(touches.accessed)
        + rules.rewrite * (len(touches.rewritten) + len(touches.cleared))
        + rules.create * len(touches.created)
    )


def state_gas(rules: Rules, touches: Touches) -> int:
    """Gas of the state that the touches add, where it has a price of its own."""
    return rules.create_state * len(touches.created)


@dataclass
class _Reads:
    slots: set[int] = field(default_factory=set)
    loads: set[int] = field(default_factory=set)
    taught: int = 0
    asked: set[int] = field(default_factory=set)
    rows_taught: int = 0
    carried: int = 0


def read_by_prediction(
    layout: Layout, encoding: Encoding, state: State, sample: Sequence[int]
) -> Touches:
    """What a prediction of an encoded sample reads, given a mirror's `state()`."""
    reads = _Reads()
    for stored in layout.stored:
        if stored.table.flagged and layout.moved_bit and not layout.has_moved(state):
            continue
        reads.slots |= set(range(stored.first_slot, stored.first_slot + stored.slots))
    delta = layout.delta
    if delta is not None:
        _, flags = delta.words(state[delta.table.name].tolist())
        features = [feature for feature, _ in encoding.entries(sample)]
        for row in range(delta.table.rows):
            for at_element, feature in enumerate(features):
                slot, place = delta.place(feature, row)
                reads.slots.add(delta.flags_at(slot))
                known = flags.get(slot, 0)
                if known:
                    reads.asked.add(at_element)
                if known & NOT_ZERO:
                    reads.loads.add(slot)
                    reads.taught += 1
                if known & CARRIED:
                    reads.carried += 1
                    at = slot * delta.wide_stride + place // delta.wide_per_slot
                    reads.slots.add(delta.wide_first + at)
        reads.slots |= {delta.first_slot + slot for slot in reads.loads}
        lanes = state[delta.table.name].reshape(-1, delta.table.rows)
        reads.rows_taught = int(np.count_nonzero(lanes.any(axis=0)))
    return Touches(
        frozenset(reads.slots),
        loads=len(reads.loads),
        taught=reads.taught,
        asked=len(reads.asked),
        rows_taught=reads.rows_taught,
        carried=reads.carried,
    )


def written_by_update(layout: Layout, before: State, after: State) -> Touches:
    """What an update writes, given a mirror's states before and after it."""
    old, new = layout.words(before), layout.words(after)
    changed = {
        slot: (old.get(slot, 0), new.get(slot, 0))
        for slot in old.keys() | new.keys()
        if old.get(slot, 0) != new.get(slot, 0)
    }
    found = _Writes()
    if layout.delta is not None and changed:
        name = layout.delta.table.name
        found = _learned(layout.delta, before[name].tolist(), after[name].tolist(), new)
    return Touches(
        frozenset(changed) | frozenset(found.slots),
        frozenset(slot for slot, (was, now) in changed.items() if was and now),
        frozenset(slot for slot, (was, _) in changed.items() if not was),
        frozenset(slot for slot, (_, now) in changed.items() if not now),
        written=len(found.low),
        rows=len(found.rows),
        relearned=found.relearned,
        carries=found.carries,
        slow=len(found.carrying) * layout.delta.per_slot if layout.delta else 0,
    )


@dataclass
class _Writes:
    slots: set[int] = field(default_factory=set)
    low: set[int] = field(default_factory=set)
    rows: set[int] = field(default_factory=set)
    carrying: set[int] = field(default_factory=set)
    searched: set[int] = field(default_factory=set)
    relearned: int = 0
    carries: int = 0


def _learned(
    delta: DeltaLayout, before: list[int], after: list[int], words: Mapping[int, int]
) -> _Writes:
    """What changes from one run of lanes to the next; `words` are the slots behind it."""
    found = _Writes()
    _, flags = delta.words(before)
    held: list[int] = []
    for lane, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        feature, row = divmod(lane, delta.table.rows)
        slot, _ = delta.place(feature, row)
        found.low.add(slot)
        found.rows.add(row)
        if flags.get(slot, 0) & NOT_ZERO:
            held.append(slot)
        digits = delta.table.digits
        if digits.split(was)[1] != digits.split(now)[1]:
            found.carries += 1
            found.carrying.add(slot)
            # Lessons of sparse samples look no further than at a digit that is not zero.
            if delta.table.dense or not digits.split(now)[1]:
                found.searched.add(slot)
    found.slots = {delta.flags_at(slot) for slot in found.low}
    # A dense sample has every lane of a slot, whether it changes or not.
    found.relearned = delta.per_slot * len(set(held)) if delta.table.dense else len(held)
    for slot in found.searched if delta.sharing == 1 else ():  # is any wide digit of it left?
        first = delta.wide_first + slot * delta.wide_stride
        for at in range(first, first + delta.wide_stride):
            found.slots.add(at)
            if words.get(at, 0):
                break
    return found
