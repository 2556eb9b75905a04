"""Where each parameter lives on chain.

Every table is base + delta. The *base* is the published model: contract code, never changed.
The *delta* is what updates have added since: storage lanes that start at zero, so that neither
deployment nor an untouched feature costs a storage write.

Base in the contract's own code is copied to memory as a whole, about 6 gas a word; it needs no
second contract. Where it does not fit beside the logic it goes into data contracts, of which a
sparse sample reads only its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from dcai_compile.delta import MOVED, SLOT_BITS, DeltaLayout
from dcai_compile.delta_choice import choose_delta
from dcai_compile.errors import CompilerPanic
from dcai_compile.rules import OSAKA
from dcai_compile.tables import CodeTable, Constant, DeltaTable, StorageTable

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
    stored: tuple[StoredTable, ...]
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
            mask = (1 << stored.table.bits) - 1
            lanes = state[stored.table.name].tolist()
            if len(lanes) != stored.table.lanes:
                raise CompilerPanic(f"{stored.table.name} has {len(lanes)} lanes")
            for slot in range(stored.slots):
                word = 0
                part = lanes[slot * stored.lanes_per_slot : (slot + 1) * stored.lanes_per_slot]
                for place, value in enumerate(part):
                    if value:
                        word |= (value & mask) << (place * stored.table.bits)
                words[stored.first_slot + slot] = word ^ (stored.untouched(slot) if warm else 0)
        if self.delta is not None:
            found, flags = self.delta.words(state[self.delta.table.name].tolist())
            words |= found
            for slot, word in self.delta.flag_words(flags).items():
                words[slot] = words.get(slot, 0) | word
            if self.has_moved(state):
                words[self.delta.flags_slot] |= self.moved_bit
        return words

    def has_moved(self, state: Mapping[str, NDArray[Any]]) -> bool:
        """Whether any lane of a `flagged` table is not 0."""
        return any(any(state[s.table.name].tolist()) for s in self.stored if s.table.flagged)

    def constants(self) -> list[Constant]:
        """What the templates need to know of storage."""
        rows = self.delta.constants() if self.delta is not None else []
        if self.moved_bit:
            comment = "The flag of the intercepts, in the slot of the first flags: some have moved."
            rows.append(Constant("uint256", "MOVED_FLAG", f"{self.moved_bit:#066x}", comment))
        return rows


def plan_layout(
    base: CodeTable,
    tables: tuple[StorageTable | DeltaTable, ...],
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
    stored: list[StoredTable] = []
    delta, slot, free = None, first_slot, 0
    for table in tables:
        if isinstance(table, DeltaTable):
            delta, why = choose_delta(table, slot, free, elements)
            reasons.append(why)
            continue
        entry = StoredTable(table, slot)
        stored.append(entry)
        slot += entry.slots
        free = SLOT_BITS - (table.lanes - 1) % entry.lanes_per_slot * table.bits - table.bits
        slots = f"slot {entry.first_slot}"
        if entry.slots > 1:
            slots = f"slots {entry.first_slot} to {slot - 1}"
        count = f"{table.lanes} lane{'s' if table.lanes > 1 else ''}"
        reasons.append(f"{table.name}: {count} of {table.bits} bits in {slots}, {table.reason}")
    return Layout(place, parts, row_bytes, tuple(stored), delta, tuple(reasons))


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


def typical_elements(examples: Sequence[Sized]) -> int | None:
    """The middle length of encoded samples; None if there are none."""
    lengths = sorted(map(len, examples))
    return lengths[len(lengths) // 2] if lengths else None
