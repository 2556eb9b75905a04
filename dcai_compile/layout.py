"""Where each parameter lives on chain.

Every table is base + delta. The *base* is the published model: contract code, never changed.
The *delta* is what updates have added since: storage lanes that start at zero, so that neither
deployment nor an untouched feature costs a storage write.

Base in the contract's own code is copied to memory as a whole, about 6 gas a word; it needs no
second contract. Where it does not fit beside the logic it goes into data contracts, of which a
sparse sample reads only its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from dcai_compile.errors import CompilerPanic
from dcai_compile.model import CodeTable, StorageTable

OWN_CODE_LIMIT = 12_288
"""Bytes of base that share a contract with the logic; half of what EIP-170 allows in all."""

CODE_SIZE_LIMIT = 24_576
"""Bytes of code a contract may have (EIP-170)."""

SLOT_BITS = 256


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


@dataclass(frozen=True)
class Layout:
    """The decision for one model.

    Attributes
    ----------
    base_place : ``"own_code"`` or ``"data_contracts"``; also the name of the template's partial.
    base_parts : data contracts; empty for own code.
    row_bytes : bytes of one row of the base.
    stored : storage tables in slot order.
    reasons : why, in sentences.
    """

    base_place: str
    base_parts: tuple[CodePart, ...]
    row_bytes: int
    stored: tuple[StoredTable, ...]
    reasons: tuple[str, ...]

    def words(self, state: Mapping[str, NDArray[Any]]) -> dict[int, int]:
        """What every slot of the tables must hold, given the lanes of a mirror's `state()`."""
        words: dict[int, int] = {}
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
                words[stored.first_slot + slot] = word
        return words


def plan_layout(
    base: CodeTable, tables: tuple[StorageTable, ...], first_slot: int, own_code: bool = True
) -> Layout:
    """Decide where the base and every storage table of a model live.

    Storage begins at `first_slot`. Without `own_code` there is no room beside the logic even for a
    small base.
    """
    rows, lanes = base.values.shape
    row_bytes = lanes * base.bits // 8
    size = rows * row_bytes
    reasons = [f"base: {rows} x {lanes} lanes of {base.bits} bits, {size} bytes"]
    parts: tuple[CodePart, ...] = ()
    if own_code and size <= OWN_CODE_LIMIT:
        place = "own_code"
        reasons.append(f"in the contract's own code: at most {OWN_CODE_LIMIT} bytes")
    else:
        place, parts = "data_contracts", _parts(rows, row_bytes)
        many = f"{len(parts)} data contract{'s' if len(parts) > 1 else ''}"
        why = f"more than {OWN_CODE_LIMIT} bytes would crowd out the logic"
        if size <= OWN_CODE_LIMIT:
            why = (
                f"logic and base together pass the {CODE_SIZE_LIMIT} bytes that a contract may have"
            )
        reasons.append(f"in {many}: {why}")
    stored, slot = [], first_slot
    for table in tables:
        entry = StoredTable(table, slot)
        stored.append(entry)
        slot += entry.slots
        slots = f"slot {entry.first_slot}"
        if entry.slots > 1:
            slots = f"slots {entry.first_slot} to {slot - 1}"
        count = f"{table.lanes} lane{'s' if table.lanes > 1 else ''}"
        reasons.append(f"{table.name}: {count} of {table.bits} bits in {slots}, {table.reason}")
    return Layout(place, parts, row_bytes, tuple(stored), tuple(reasons))


def _parts(rows: int, row_bytes: int) -> tuple[CodePart, ...]:
    # Byte 0 of a data contract is a STOP; rows are never cut in two.
    per_part = (CODE_SIZE_LIMIT - 1) // row_bytes
    if per_part == 0:
        raise CompilerPanic(f"a row of {row_bytes} bytes does not fit in a contract")
    return tuple(CodePart(first, min(first + per_part, rows)) for first in range(0, rows, per_part))
