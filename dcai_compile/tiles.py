"""How a dense sample is multiplied with a table row by row: four products by one multiplication.

Four values of a sample stand in a word, 64 bits each: a *tile*. Four lanes of a row, masked out of a word
of the table, stand 64 bits apart, too, in the opposite order. In the product of the two words the sum of the
four products is in the highest 64 bits, as in a product of polynomials; what stands below it are other sums,
and what would stand above is beyond 2**256. Negative values are no problem: words are added and multiplied
modulo 2**256, and what the sums below owe the highest one is settled at the end (`OWED`). Negative lanes
would be, since a mask cuts their signs off: lanes are biased by half their range, and the bias times the sum
of all tiles is taken off at the end.

A sample becomes tiles once, whichever way it comes, and all rows are multiplied with them. A *block* is 16
features: tile u of a block has its features u, u + 4, u + 8 and u + 12, the last one lowest, so that a block
of packed elements of 16 bits becomes four tiles by four masks, and a slot of 16 learned lanes can be
multiplied as it is stored.

A word of the table has 16 lanes of 16 bits, feature 0 of a block lowest; or 32 lanes of 8 bits, two blocks,
of which the first has the lower and the second the higher half of each 16 bits; or 8 lanes of 32 bits, half a
block: the lanes of tiles 0 and 1, or 2 and 3, in turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import BYTE_BITS, Encoding
from dcai_compile.model import Facts
from dcai_compile.packing import packing_of
from dcai_compile.tables import CodeTable

TILE_LANES = 4
"""Values in a tile."""

STRIDE = 64
"""Bits of a value in a tile."""

BLOCK = 16
"""Features of four tiles."""

LANE_BITS = (8, 16, 32)
"""Widths of lanes that can be multiplied with tiles."""

PACKED_BITS = 16
"""Of packed elements that become tiles by a mask."""

MOST_SUMS = 5
"""Rows of one pass over the tiles: more would not stay within reach on the stack."""

MANY_WORDS = 8
"""From so many words of a row on a round of the loop takes twice as many."""

ONES = sum(1 << STRIDE * place for place in range(TILE_LANES))
"""A word with 1 in every place of a tile."""

OWED = sum(1 << STRIDE * place + STRIDE - 1 for place in range(TILE_LANES - 1))
"""Makes the three lower sums of a word not negative, so that none owes the highest one anything. Contracts
make it of `ONES`, by a shift."""

SPREADS = [
    (width, sum(((1 << width) - 1) << place for place in range(0, 256, 2 * width)))
    for width in (64, 32, 16, 8)
]
"""Steps that put 16 bytes 16 bits apart: bits by which every second part of a word moves up, and what stays."""


@dataclass(frozen=True)
class Tiles:
    """The plan for one table.

    Attributes
    ----------
    rows, features : of the table.
    bits : of its lanes in code, one of `LANE_BITS`.
    bias : what a lane has more in code than it is.
    width : bits of the largest lane, biased, that a sample is multiplied with, whether published or learned.
    """

    rows: int
    features: int
    bits: int
    bias: int
    width: int

    @property
    def terms_bits(self) -> int:
        """Bits of the number of terms of a sum."""
        return (self.features - 1).bit_length()

    @property
    def value_bits(self) -> int:
        """Values from ``-2**value_bits`` to below ``2**value_bits`` are multiplied this way: no sum of so many
        products leaves 64 bits, once what lanes are biased by is taken off.
        """
        most = self.features << (self.width - 1)
        return (((1 << STRIDE - 1) - 1) // most).bit_length() - 1

    @property
    def per_word(self) -> int:
        """Features of a word of the table."""
        return 256 // self.bits

    @property
    def blocks(self) -> int:
        """Blocks of a sample; those of the last round may be more."""
        return -(-self.features // BLOCK)

    @property
    def words(self) -> int:
        """Words of a row."""
        if self.per_word < BLOCK:
            return self.blocks * (BLOCK // self.per_word)
        return -(-self.features // self.per_word)

    @property
    def full(self) -> int:
        """Blocks without a gap."""
        return self.features // BLOCK

    @property
    def rest(self) -> int:
        """Features of the block that is not full."""
        return self.features % BLOCK

    @property
    def turns(self) -> int:
        """Words of a row that one round of the loop takes: whole blocks."""
        once = max(1, BLOCK // self.per_word)
        return 2 * once if self.words >= MANY_WORDS * once else once

    @property
    def round_blocks(self) -> int:
        """Blocks of a round."""
        return self.turns * self.per_word // BLOCK

    @property
    def tile_blocks(self) -> int:
        """Blocks that tiles are made of: whole rounds. Those without features are zeros, which make nothing
        of the words that stand where there are none.
        """
        return -(-self.words // self.turns) * self.round_blocks

    @property
    def groups(self) -> list[list[tuple[int, int]]]:
        """The tiles that a word is multiplied with, up to four at once: number, counted from the first of the
        word, and lowest bit of the tile's last lane in the word.
        """
        apart = max(self.bits, STRIDE // TILE_LANES)
        tiles = [
            (number, apart * (number % TILE_LANES) + self.bits * (number // TILE_LANES))
            for number in range(self.per_word // TILE_LANES)
        ]
        return [tiles[first : first + TILE_LANES] for first in range(0, len(tiles), TILE_LANES)]

    @property
    def lane_mask(self) -> int:
        """All bits of a lane."""
        return (1 << self.bits) - 1

    @property
    def passes(self) -> list[range]:
        """The rows of each pass."""
        count = -(-self.rows // MOST_SUMS)
        size, more = divmod(self.rows, count)
        ends = [number * size + min(number, more) for number in range(count + 1)]
        return [range(first, end) for first, end in pairwise(ends)]

    def place(self, feature: int) -> tuple[int, int]:
        """Where a feature's lane is: its word of the row, and its place there, counted from the lowest."""
        block, at = divmod(feature, BLOCK)
        if self.per_word < BLOCK:
            four, tile = divmod(at, TILE_LANES)
            half, odd = divmod(tile, 2)
            return 2 * block + half, 2 * four + odd
        parts = self.per_word // BLOCK
        word, part = divmod(block, parts)
        return word, at * parts + part

    def table(self, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Lanes of shape (n_rows, n_features) as in code: (words, n_rows * per_word), the highest first."""
        words = np.zeros((self.words, self.rows, self.per_word), np.int64)
        for feature in range(self.features):
            word, place = self.place(feature)
            words[word, :, self.per_word - 1 - place] = lanes[:, feature]
        return words.reshape(self.words, -1)

    def code_table(self, lanes: NDArray[np.int64], title: str, unit: Fraction) -> CodeTable:
        """`table` as it is published: lanes that are `title`, one unit of which is worth `unit`."""
        words = self.table(lanes)
        row_title = f"word of {self.per_word} features"
        units = (unit,) * words.shape[1]
        return CodeTable(words, self.bits, title, row_title, units, self.bias)


def tiles_of(encoding: Encoding, tiles: Tiles, max_value: int) -> Tiles | None:
    """The plan, where samples are dense, and values up to `max_value`, and all that packed samples can stand
    for, can be multiplied this way.
    """
    if encoding.name != "dense" or tiles.bits not in LANE_BITS or encoding.n_features < BLOCK:
        return None
    largest = max(max_value, encoding.packed_reach)
    return tiles if tiles.value_bits >= 0 and largest < 1 << tiles.value_bits else None


def packed_as_tiles(encoding: Encoding, largest: int | None) -> bool:
    """Whether packed samples become tiles as they are: bytes, or elements of 16 bits, of which none stands for
    a value above `largest`, what can be learned from (None: nothing is learned).
    """
    can_be = packing_of(encoding).element_bits in (BYTE_BITS, PACKED_BITS)
    return can_be and (largest is None or encoding.packed_reach <= largest)


def tile_facts(tiles: Tiles | None, packed: bool, division: Division | None) -> Facts:
    """What templates need: the plan, whether packed samples become tiles as they are, and how lessons do."""
    return {
        "tiles": tiles,
        "packed_tiles": packed,
        "learn_tiles": division is not None,
        "division": division,
        "low64": sum(((1 << STRIDE) - 1) << 2 * STRIDE * place for place in range(2)),
        "ones": ONES,
        "halves16": sum(1 << 16 * place + 15 for place in range(16)),
        "spreads": SPREADS,
    }


@dataclass(frozen=True)
class Division:
    """Division of the four values of a tile by the same number, rounded to the nearest, in a tie up.

    ``round(x / divisor) + offset`` is ``(((x + bias) >> halvings) * factor) >> shift``, for every x that the
    plan was made for; the product does not leave its 64 bits.
    """

    offset: int
    bias: int
    halvings: int
    factor: int
    shift: int


def divide_in_tiles(divisor: int, largest: int) -> Division | None:
    """The plan for values from ``-largest`` to ``largest``; None where there is none.

    With ``e = factor * divisor - 2**shift`` a quotient is exact for all dividends y with ``y * e < 2**shift``
    (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994).
    """
    offset = -(-largest // divisor)
    bias = offset * divisor + divisor // 2
    if 2 * offset + 2 >= 1 << PACKED_BITS:
        return None
    twos = (divisor & -divisor).bit_length() - 1
    if largest + bias >= 1 << STRIDE:
        return None
    for halvings in sorted({0, twos}):
        odd, top = divisor >> halvings, (largest + bias) >> halvings
        for shift in range(STRIDE - PACKED_BITS + 1):
            factor = -(-(1 << shift) // odd)
            if top * (factor * odd - (1 << shift)) < 1 << shift and top * factor < 1 << STRIDE:
                return Division(offset, bias, halvings, factor, shift)
    return None
