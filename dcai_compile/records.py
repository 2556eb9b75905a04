"""Records of classes in storage: counts and the like, side by side with flags in as few slots as possible.

A lesson changes one record, a prediction reads all of them, so what counts is the number of slots. Records
lie side by side and never cross from one slot into the next. The highest bit of a slot is left free: it is
set at deployment where the model is small, as it is in slots of flags, so that no lesson pays for a fresh
slot, and flags go below it where the last records leave room.

Fields are as wide as the horizon needs, and then as wide as makes no slot more: what is left over is worth
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dcai_compile.delta import NEVER_ZERO, SLOT_BITS, place_delta
from dcai_compile.delta_choice import choose_delta
from dcai_compile.tables import Constant, DeltaTable, Field, RecordTable

MOST_BITS = 32
"""Updates of a class that are worth counting at most, if the horizon asks for no more, in bits."""


@dataclass(frozen=True)
class StoredRecords:
    """A table of records and its first slot."""

    table: RecordTable
    first_slot: int

    @property
    def per_slot(self) -> int:
        """Records that share a slot."""
        return (SLOT_BITS - 1) // self.table.bits

    @property
    def slots(self) -> int:
        """Number of slots."""
        return -(-self.table.records // self.per_slot)

    @property
    def free_bits(self) -> int:
        """Highest bits of the last slot that no record is in."""
        last = self.table.records - (self.slots - 1) * self.per_slot
        return SLOT_BITS - last * self.table.bits

    def place(self, lane: int) -> tuple[int, int, int]:
        """Slot, counted from the first, lowest bit there, and width of a number of a state."""
        record, at = divmod(lane, len(self.table.fields))
        slot, place = divmod(record, self.per_slot)
        fields = self.table.fields
        below = sum(field.bits for field in fields[:at])
        return slot, place * self.table.bits + below, fields[at].bits

    def field(self, name: str) -> Field:
        """A field by its name."""
        return next(field for field in self.table.fields if field.name == name)

    def offset(self, name: str) -> int:
        """Lowest bit of a field in its record."""
        names = [field.name for field in self.table.fields]
        return sum(field.bits for field in self.table.fields[: names.index(name)])

    def top_bits(self, slot: int) -> int:
        """The highest bit of every record of a slot, counted from the first."""
        bits = self.table.bits
        records = min(self.per_slot, self.table.records - slot * self.per_slot)
        return sum(1 << (place * bits + bits - 1) for place in range(records))

    def constants(self) -> list[Constant]:
        """What the templates need to know."""
        comment = "Slots of what updates have added to classes."
        rows = [Constant("uint256", "CLASS_SLOTS", str(self.slots), comment)]
        for field in self.table.fields:
            name, what = field.name.upper(), f"that updates add to {field.title} of a class."
            rows.append(Constant("int256", f"{name}_MAX", str(field.maximum), f"The most {what}"))
            if field.signed:
                rows.append(
                    Constant("int256", f"{name}_MIN", str(field.minimum), f"The least {what}")
                )
        return rows

    def untouched(self, slot: int) -> int:
        """The word of a slot of zeros, where it is written at deployment."""
        return NEVER_ZERO


def slots_of(table: RecordTable, delta: DeltaTable, row_by_row: bool, warm: bool) -> int:
    """Slots that records and the flags of learned lanes take together."""
    stored = StoredRecords(table, 0)
    return place_delta(delta, stored.slots, stored.free_bits, row_by_row, warm).first_slot


def widest(
    fields: Callable[[int], tuple[Field, ...]],
    records: int,
    delta: DeltaTable,
    horizon: int,
    elements: int | None = None,
    most: int = (1 << MOST_BITS) - 1,
) -> int:
    """For how many updates records can be made without taking a slot more than for `horizon`: at least as many.

    `fields` are those in which so many updates are proved to fit; `elements` is the length of a typical
    sample. As many as bits can count, and at most `most`.
    """
    arrangement, _ = choose_delta(delta, 0, 0, elements)

    def needed(updates: int) -> int:
        table = RecordTable("", records, fields(updates), "")
        return slots_of(table, arrangement.table, arrangement.row_by_row, arrangement.warm)

    least, found = needed(horizon), horizon
    for bits in range(horizon.bit_length(), most.bit_length() + 1):
        updates = min((1 << bits) - 1, most)
        if updates >= horizon and needed(updates) == least:
            found = updates
    return found
