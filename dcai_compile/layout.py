"""Where each parameter lives on chain.

Every table is base + delta. The *base* is the published model: contract code, never changed.
The *delta* is what updates have added since: storage lanes that start at zero, so that neither
deployment nor an untouched feature costs a storage write.

Base in the contract's own code is copied to memory as a whole, about 6 gas a word; it needs no
second contract. Where it does not fit beside the logic it goes into data contracts, of which a
sparse sample reads only its own rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from dcai_compile.delta import MOVED, NEVER_ZERO, SLOT_BITS, DeltaLayout
from dcai_compile.delta_choice import choose_delta
from dcai_compile.errors import CompilerPanic
from dcai_compile.records import StoredRecords
from dcai_compile.rules import OSAKA
from dcai_compile.tables import CodeTable, Constant, DeltaTable, RecordTable, StorageTable

OWN_CODE_LIMIT = 12_288
"""Bytes of base that share a contract with the logic; half of what EIP-170 allows in all."""

CODE_SIZE_LIMIT = 24_576
"""Bytes of code a contract may have (EIP-170)."""


@dataclass(frozen=True)
class CodePart:
    """Rows ``first <= row < end`` of the base, in a data contract of their own."""

    first: int
    end: int


@dataclass(frozen=True)
class StoredTable:
    """A storage table and its first slot."""

    table: StorageTable
    first_slot: int

    @property
    def lanes_per_slot(self) -> int:
        """Lanes that share a slot."""
        return SLOT_BITS // self.table.bits

    @property
    def slots(self) -> int:
        """Number of slots."""
        return -(-self.table.lanes // self.lanes_per_slot)

    @property
    def free_bits(self) -> int:
        """Highest bits of the last slot that no lane is in."""
        last = self.table.lanes - (self.slots - 1) * self.lanes_per_slot
        return SLOT_BITS - last * self.table.bits

    def place(self, lane: int) -> tuple[int, int, int]:
        """Slot, counted from the first, lowest bit there, and width of a lane."""
        slot, place = divmod(lane, self.lanes_per_slot)
        return slot, place * self.table.bits, self.table.bits

    def untouched(self, slot: int) -> int:
        """The word of a slot whose lanes are all zero, where it is written at deployment."""
        lanes = min(self.lanes_per_slot, self.table.lanes - slot * self.lanes_per_slot)
        top = 1 << (self.table.bits - 1)
        return sum(top << (place * self.table.bits) for place in range(lanes))


@dataclass(frozen=True)
class Layout:
    """The decision for one model.

    Attributes
    ----------
    base_place : ``"own_code"`` or ``"data_contracts"``; also the name of the template's partial.
    base_parts : data contracts; empty for own code.
    row_bytes : bytes of one row of the base.
    stored : storage tables in slot order.
    delta : where learned lanes of features live; None where there are none, or plain ones.
    reasons : why, in sentences.
    """

    base_place: str
    base_parts: tuple[CodePart, ...]
    row_bytes: int
    stored: tuple[StoredTable | StoredRecords, ...]
    delta: DeltaLayout | None
    reasons: tuple[str, ...]

    @property
    def updatable(self) -> bool:
        """Whether anything is stored."""
        return bool(self.stored) or self.delta is not None

    @property
    def slots(self) -> dict[str, int]:
        """First slot of each table, by its name in the contract."""
        slots = {stored.table.name: stored.first_slot for stored in self.stored}
        if self.delta is not None:
            slots[self.delta.table.name] = self.delta.first_slot
            if self.delta.own_flags:
                slots["flagWords"] = self.delta.flags_slot
            if self.delta.wide_slots:
                slots["wide"] = self.delta.wide_first
        return slots

    @property
    def moved_bit(self) -> int:
        """In the slot of flags: whether any lane of a `flagged` table is not 0. 0: there is no such bit."""
        delta = self.delta
        spread = any(stored.table.flagged and stored.slots > 1 for stored in self.stored)
        if delta is None or not spread or not delta.in_word:
            return 0
        return 0 if delta.flags_end > MOVED.bit_length() - 1 else MOVED

    def words(self, state: Mapping[str, NDArray[Any]]) -> dict[int, int]:
        """What every slot that a prediction may read must hold, given a mirror's `state()`."""
        words: dict[int, int] = {}
        warm = self.delta is not None and self.delta.warm
        for stored in self.stored:
            lanes = state[stored.table.name].tolist()
            if len(lanes) != stored.table.lanes:
                raise CompilerPanic(f"{stored.table.name} has {len(lanes)} lanes")
            for slot in range(stored.slots):
                words[stored.first_slot + slot] = stored.untouched(slot) if warm else 0
            for lane, value in enumerate(lanes):
                if value:
                    slot, shift, bits = stored.place(lane)
                    words[stored.first_slot + slot] ^= (value & ((1 << bits) - 1)) << shift
        if self.delta is not None:
            found, flags = self.delta.words(state[self.delta.table.name].tolist())
            words |= found
            for slot, word in self.delta.flag_words(flags).items():
                words[slot] = words.get(slot, 0) | word
            if self.has_moved(state):
                words[self.delta.flags_slot] |= self.moved_bit
        return words

    def written_first(self) -> list[tuple[int, int]]:
        """Slots before those of learned lanes that deployment writes, with their words, where it writes any."""
        if self.delta is None or not self.delta.warm:
            return []
        words = {
            stored.first_slot + slot: stored.untouched(slot)
            for stored in self.stored
            for slot in range(stored.slots)
        }
        if self.delta.flags_slot in words:
            words[self.delta.flags_slot] |= NEVER_ZERO
        return sorted(words.items())

    @property
    def records(self) -> StoredRecords | None:
        """Where numbers of classes are kept as records."""
        return next((s for s in self.stored if isinstance(s, StoredRecords)), None)

    def has_moved(self, state: Mapping[str, NDArray[Any]]) -> bool:
        """Whether any lane of a `flagged` table is not 0."""
        return any(any(state[s.table.name].tolist()) for s in self.stored if s.table.flagged)

    def constants(self) -> list[Constant]:
        """What the templates need to know of storage."""
        rows = self.delta.constants() if self.delta is not None else []
        if self.records is not None:
            rows = [*self.records.constants(), *rows]
        if self.moved_bit:
            comment = "The flag of the intercepts, in the slot of the first flags: some have moved."
            rows.append(Constant("uint256", "MOVED_FLAG", f"{self.moved_bit:#066x}", comment))
        return rows


def plan_layout(
    base: CodeTable,
    tables: tuple[StorageTable | RecordTable | DeltaTable, ...],
    first_slot: int,
    own_code: bool = True,
    elements: int | None = None,
) -> Layout:
    """Decide where the base and every storage table of a model live.

    Storage begins at `first_slot`; a `DeltaTable` comes last. Without `own_code` there is no room
    beside the logic even for a small base. `elements` is the length of a typical sample.
    """
    rows, lanes = base.values.shape
    row_bytes = lanes * base.bits // 8
    size = rows * row_bytes
    reasons = [f"base: {rows} x {lanes} lanes of {base.bits} bits, {size} bytes"]
    parts: tuple[CodePart, ...] = ()
    if own_code and size <= OWN_CODE_LIMIT:
        place = "own_code"
        reasons.append(
            f"in the contract's own code: at most {OWN_CODE_LIMIT} bytes, read for {own_code_gas(size):,} "
            f"gas; the first byte of a data contract costs {OSAKA.account:,}"
        )
    else:
        place, parts = "data_contracts", _parts(rows, row_bytes)
        many = f"{len(parts)} data contract{'s' if len(parts) > 1 else ''}"
        why = f"more than {OWN_CODE_LIMIT} bytes would crowd out the logic"
        if size <= OWN_CODE_LIMIT:
            why = (
                f"logic and base together pass the {CODE_SIZE_LIMIT} bytes that a contract may have"
            )
        reasons.append(f"in {many}: {why}")
    stored: list[StoredTable | StoredRecords] = []
    delta, slot, free = None, first_slot, 0
    for table in tables:
        if isinstance(table, DeltaTable):
            delta, why = choose_delta(table, slot, free, elements)
            reasons += [why, *_flags_reason(delta, stored)]
            continue
        if isinstance(table, RecordTable):
            entry: StoredTable | StoredRecords = StoredRecords(table, slot)
            what = f"{table.records} records of " + " and ".join(
                f"{field.bits} bits ({field.name})" for field in table.fields
            )
        else:
            entry = StoredTable(table, slot)
            what = f"{table.lanes} lane{'s' if table.lanes > 1 else ''} of {table.bits} bits"
        stored.append(entry)
        slot, free = slot + entry.slots, entry.free_bits
        slots = f"slot {entry.first_slot}"
        if entry.slots > 1:
            slots = f"slots {entry.first_slot} to {slot - 1}"
        reasons.append(f"{table.name}: {what} in {slots}, {table.reason}")
    return Layout(place, parts, row_bytes, tuple(stored), delta, tuple(reasons))


def _flags_reason(
    delta: DeltaLayout, stored: Sequence[StoredTable | StoredRecords]
) -> Iterator[str]:
    """Where flags are, where they might be with records."""
    records = next((s for s in stored if isinstance(s, StoredRecords)), None)
    if records is None:
        return
    bits = delta.slots * delta.flag_bits
    if delta.own_flags:
        bits = delta.flagged * delta.flag_bits
        yield (
            f"flags: {bits} bits from slot {delta.flags_slot} on, a slot more in everything: "
            f"{records.table.name} leaves {records.free_bits} bits free"
        )
    else:
        yield f"flags: {bits} bits in slot {delta.flags_slot}, which a lesson and a prediction touch anyway"


def _parts(rows: int, row_bytes: int) -> tuple[CodePart, ...]:
    # Byte 0 of a data contract is a STOP; rows are never cut in two.
    per_part = (CODE_SIZE_LIMIT - 1) // row_bytes
    if per_part == 0:
        raise CompilerPanic(f"a row of {row_bytes} bytes does not fit in a contract")
    return tuple(CodePart(first, min(first + per_part, rows)) for first in range(0, rows, per_part))


def own_code_gas(size: int) -> int:
    """Gas of copying a base of `size` bytes from own code to memory: less than another contract's
    first byte costs, for every size up to `OWN_CODE_LIMIT`.
    """
    words = -(-size // 32)
    return 6 * words + words * words // 512
