"""Where what updates add to the features lives: low digits, flags, and wide digits.

The lanes of whole features lie side by side in a slot. Two flags a slot say whether it holds anything
but zeros and whether any of its lanes has carried, so that a prediction does not read what was never
learned: 2,100 gas a slot. Flags fill what the table before leaves free of its last slot, and have slots
of their own where that is not enough. Where lanes only grow, a few slots may share flags, if all flags fit
in one slot then: shared flags are never cleared.

Where a model is small, its low slots are written once at deployment, with what stands for zero
(`untouched`): the first lesson that touches a slot then pays 5,000 gas and not 22,100. Whoever deploys
pays that, and whoever contributes saves it. `delta_choice.py` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dcai_compile.tables import Constant, DeltaTable

SLOT_BITS = 256
SLOT_BYTES = SLOT_BITS // 8

NOT_ZERO = 1
"""Flag: a low digit of the slot is not zero."""

NEVER_ZERO = 1 << (SLOT_BITS - 1)
"""Set at deployment in slots of flags, for the same reason as `untouched`; in slots of digits without a
sign it is `untouched`."""

MOVED = 1 << (SLOT_BITS - 2)
"""Set in the first of them where a table that is `flagged` holds anything but zeros."""

CARRIED = 2
"""Flag: a wide digit of the slot is not zero."""

MOST_SHARING = 4
"""Slots that share flags at most: beside one that was taught, the others are read in vain."""


@dataclass(frozen=True)
class DeltaLayout:
    """The decision for one table.

    Attributes
    ----------
    first_slot : of the low digits; the wide ones follow them.
    flags_slot, flags_shift : slot of the first flags, and the lowest of their bits there.
    own_flags : whether the flags have slots of their own.
    row_by_row : whether the lanes of a row lie together, and not those of a feature. A lesson that
        changes one row touches fewer slots then; a sparse prediction, which needs all rows of a few
        features, reads more of them.
    warm : whether low slots are written at deployment.
    sharing : slots that follow each other and have the same flags. Shared ones are all in one slot, and
        `NOT_ZERO` then says that some lane is not zero, in whichever digit.
    """

    table: DeltaTable
    first_slot: int
    flags_slot: int
    flags_shift: int
    own_flags: bool
    row_by_row: bool
    warm: bool
    sharing: int = 1

    @cached_property
    def per_slot(self) -> int:
        """Low digits in a slot, if it is full; the highest bit of a slot is no masked digit's."""
        digits = self.table.digits
        return (SLOT_BITS - 1 if digits.masked else SLOT_BITS) // digits.low_bits

    @cached_property
    def group(self) -> int:
        """Features in a slot; 0 where one feature takes several slots."""
        return self.per_slot if self.row_by_row else self.per_slot // self.table.rows

    @cached_property
    def stride(self) -> int:
        """Slots of a row where rows lie together, else slots of a feature that does not share one."""
        return -(-(self.table.features if self.row_by_row else self.table.rows) // self.per_slot)

    @cached_property
    def slots(self) -> int:
        """Slots of low digits."""
        if self.row_by_row:
            return self.table.rows * self.stride
        if self.group:
            return -(-self.table.features // self.group)
        return self.table.features * self.stride

    @cached_property
    def flag_bits(self) -> int:
        """Flags of a slot."""
        return 2 if self.table.digits.carries else 1

    @cached_property
    def flagged(self) -> int:
        """How many flags of each kind there are."""
        return -(-self.slots // self.sharing)

    @cached_property
    def flags_per_slot(self) -> int:
        """How many of them share a slot, beside the bit that keeps it from being zero."""
        return (SLOT_BITS - 1 - self.flags_shift) // self.flag_bits

    @cached_property
    def flag_slots(self) -> int:
        """Slots of their own that flags have."""
        return -(-self.flagged // self.flags_per_slot) if self.own_flags else 0

    @cached_property
    def flags_end(self) -> int:
        """The bit behind the last flag, where all flags are in one slot."""
        return self.flags_shift + self.flagged * self.flag_bits

    @cached_property
    def flag_mask(self) -> int:
        """All flags of a slot."""
        return (1 << self.flag_bits) - 1

    @cached_property
    def flags_of_rows(self) -> int:
        """`NOT_ZERO` of a row's first slot and of the same slot of every other row, where rows lie together."""
        return sum(
            NOT_ZERO << (row * self.stride * self.flag_bits) for row in range(self.table.rows)
        )

    @cached_property
    def in_word(self) -> bool:
        """Whether all flags are in one slot."""
        return self.flagged <= self.flags_per_slot

    @cached_property
    def wide_per_slot(self) -> int:
        """Wide digits in a slot."""
        return SLOT_BITS // self.table.digits.wide_bits if self.table.digits.carries else 0

    @cached_property
    def wide_stride(self) -> int:
        """Slots of wide digits for a slot of low ones."""
        return -(-self.per_slot // self.wide_per_slot) if self.wide_per_slot else 0

    @cached_property
    def wide_first(self) -> int:
        """First slot of the wide digits."""
        return self.first_slot + self.slots

    @cached_property
    def wide_slots(self) -> int:
        """Slots of wide digits."""
        return self.slots * self.wide_stride

    @cached_property
    def end(self) -> int:
        """The slot behind the table."""
        return self.wide_first + self.wide_slots

    @cached_property
    def untouched(self) -> int:
        """The word of a slot whose lanes are all zero."""
        if not self.warm:
            return 0
        return NEVER_ZERO if self.table.digits.unsigned else self.halves(self.per_slot)

    @cached_property
    def blank(self) -> int:
        """`untouched` as contracts work on it: a masked digit is what it is more than the smallest."""
        digits = self.table.digits
        if not digits.masked:
            return 0
        return self.untouched if digits.unsigned else self.halves(self.per_slot)

    @cached_property
    def blank_name(self) -> str:
        """`blank` as Solidity writes it where it sees constants."""
        if self.blank == 0:
            return "0"
        return "UNTOUCHED" if self.blank == self.untouched else "BLANK"

    @cached_property
    def veil(self) -> str:
        """By which a stored word and one that is worked on differ, likewise; empty where they do not."""
        if self.untouched == self.blank:
            return ""
        return "UNTOUCHED" if self.warm else "BLANK"

    @cached_property
    def veil_literal(self) -> str:
        """`veil` where no constants are seen."""
        return f"{self.untouched ^ self.blank:#066x}" if self.veil else ""

    def halves(self, lanes: int) -> int:
        """Half of what a low digit can be, in each of so many lanes from the lowest on."""
        bits = self.table.digits.low_bits
        return sum(1 << (bits - 1) << (place * bits) for place in range(lanes))

    def place(self, feature: int, row: int) -> tuple[int, int]:
        """Slot, counted from the first, and place of a lane."""
        if self.row_by_row:
            return row * self.stride + feature // self.per_slot, feature % self.per_slot
        if self.group:
            return feature // self.group, feature % self.group * self.table.rows + row
        return feature * self.stride + row // self.per_slot, row % self.per_slot

    def wide_of(self, feature: int) -> set[int]:
        """Slots, counted from the first wide one, of all wide digits of a feature."""
        places = (self.place(feature, row) for row in range(self.table.rows))
        return {slot * self.wide_stride + place // self.wide_per_slot for slot, place in places}

    def words(self, lanes: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
        """Every slot of low digits, and of wide ones where some lane has carried; and every slot's flags.

        Flags are by slot, and have to be put where other words may share their slot.
        """
        digits = self.table.digits
        low_words = dict.fromkeys(range(self.slots), 0)
        wide_words: dict[int, int] = {}
        shared: dict[int, int] = {}
        for lane, value in enumerate(lanes):
            if value == 0:
                continue
            slot, place = self.place(*divmod(lane, self.table.rows))
            low, wide = digits.split(value)
            low_words[slot] |= _lane(low, place, digits.low_bits)
            group = slot // self.sharing
            if low or self.sharing > 1:
                shared[group] = shared.get(group, 0) | NOT_ZERO
            if wide:
                shared[group] = shared.get(group, 0) | CARRIED
                # Their neighbours are read with them, even where they are zero.
                first = self.wide_first + slot * self.wide_stride
                for neighbour in range(first, first + self.wide_stride):
                    wide_words.setdefault(neighbour, 0)
                at = first + place // self.wide_per_slot
                part = _lane(wide, place % self.wide_per_slot, digits.wide_bits)
                wide_words[at] |= part
        words = {self.first_slot + slot: word ^ self.untouched for slot, word in low_words.items()}
        groups = ((slot, slot // self.sharing) for slot in range(self.slots))
        return words | wide_words, {slot: shared[at] for slot, at in groups if at in shared}

    def flags_at(self, slot: int) -> int:
        """The slot that the flags of a slot of low digits are in."""
        return self.flags_slot + slot // self.sharing // self.flags_per_slot

    def flag_words(self, flags: dict[int, int]) -> dict[int, int]:
        """What flags add to the words of their slots."""
        count = max(1, self.flag_slots)
        empty = NEVER_ZERO if self.warm else 0
        words = dict.fromkeys(range(self.flags_slot, self.flags_slot + count), empty)
        for slot, value in flags.items():
            at, place = divmod(slot // self.sharing, self.flags_per_slot)
            word = value << (self.flags_shift + place * self.flag_bits)
            words[self.flags_slot + at] |= word
        return words

    def constants(self) -> list[Constant]:
        """What the templates need to know."""
        digits = self.table.digits

        def number(name: str, value: int, comment: str) -> Constant:
            return Constant("uint256", name, str(value), comment)

        rows = [
            number("LOW_BITS", digits.low_bits, "Bits of a learned lane in `delta`."),
            number("DELTA_SLOTS", self.slots, "Slots of learned lanes."),
            number("FLAGS_SLOT", self.flags_slot, "The slot of the first flags."),
            number("FLAGS_SHIFT", self.flags_shift, "Their lowest bit there."),
            Constant("int256", "LANE_MAX", str(digits.maximum), "The largest learned value."),
            Constant("int256", "LANE_MIN", str(digits.minimum), "The smallest learned value."),
        ]
        if not self.in_word:
            rows += [
                number("FLAG_BITS", self.flag_bits, "Flags of a slot."),
                number("FLAGS_PER_SLOT", self.flags_per_slot, "Slots whose flags share a slot."),
            ]
        else:
            every = ((1 << self.flagged * self.flag_bits) - 1) << self.flags_shift
            comment = "The bits of all flags in their slot."
            rows.append(Constant("uint256", "ALL_FLAGS", f"{every:#066x}", comment))
        if self.warm:
            comment = "A slot without anything learned, as deployment has written it."
            rows.append(Constant("uint256", "UNTOUCHED", f"{self.untouched:#066x}", comment))
        if "BLANK" in (self.blank_name, self.veil):
            comment = "The same as lessons work on it."
            rows.append(Constant("uint256", "BLANK", f"{self.blank:#066x}", comment))
        if self.flag_slots:
            rows.append(number("FLAG_SLOTS", self.flag_slots, "Slots of flags."))
        if digits.carries:
            rows += [
                number("WIDE_BITS", digits.wide_bits, "Bits of a lane in `wide`."),
                number("WIDE_PER_SLOT", self.wide_per_slot, "Lanes in a slot of `wide`."),
                number("WIDE_STRIDE", self.wide_stride, "Slots of `wide` for one of `delta`."),
                number("WIDE_SLOTS", self.wide_slots, "Slots of `wide`."),
            ]
        return rows

    def reason(self) -> str:
        """The decision in words."""
        digits, table = self.table.digits, self.table
        text = f"{table.name}: {table.lanes} lanes of {digits.low_bits} bits in slots "
        text += f"{self.first_slot} to {self.wide_first - 1}"
        if digits.carries:
            text += f", carrying into {digits.wide_bits} more"
        text += f", {table.reason}"
        if self.sharing > 1:
            text += f", {self.sharing} slots to a flag so that all flags are in one slot"
        return text + ("; written at deployment" if self.warm else "")


def place_delta(
    table: DeltaTable, first_slot: int, free_bits: int, row_by_row: bool, warm: bool
) -> DeltaLayout:
    """Flags go into the `free_bits` of the slot before `first_slot` if they fit there."""
    own = DeltaLayout(table, first_slot, first_slot, 0, True, row_by_row, warm)
    if free_bits > own.slots * own.flag_bits:
        shift = SLOT_BITS - free_bits
        return DeltaLayout(table, first_slot, first_slot - 1, shift, False, row_by_row, warm)
    least = -(-own.slots // own.flags_per_slot)
    if table.grows and not row_by_row and least <= MOST_SHARING:
        own = replace(own, sharing=least)
    return replace(own, first_slot=first_slot + own.flag_slots)


def _lane(value: int, place: int, bits: int) -> int:
    return (value & ((1 << bits) - 1)) << (place * bits)
