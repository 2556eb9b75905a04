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
of which the first has the lower and the second the higher half of each 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import Encoding
from dcai_compile.packing import packing_of

TILE_LANES = 4
"""Values in a tile."""

STRIDE = 64
"""Bits of a value in a tile."""

BLOCK = 16
"""Features of four tiles."""

LANE_BITS = (8, 16)
"""Widths of lanes that can be multiplied with tiles."""

PACKED_BITS = 16
"""Of packed elements that become tiles without being unpacked."""

MOST_SUMS = 5
"""Rows of one pass over the tiles: more would not stay within reach on the stack."""

MANY_WORDS = 8
"""From so many words of a row on a round of the loop takes two."""

ONES = sum(1 << STRIDE * place for place in range(TILE_LANES))
"""A word with 1 in every place of a tile."""

OWED = sum(1 << STRIDE * place + STRIDE - 1 for place in range(TILE_LANES - 1))
"""Makes the three lower sums of a word not negative, so that none owes the highest one anything."""


@dataclass(frozen=True)
class Tiles:
    """The plan for one table.

    Attributes
    ----------
    rows, features : of the table.
    bits : of its lanes, 8 or 16.
    """

    rows: int
    features: int
    bits: int

    @property
    def value_bits(self) -> int:
        """Values from ``-2**value_bits`` to below ``2**value_bits`` are multiplied this way: no sum of so many
        products with 16-bit lanes, published or learned, leaves 64 bits.
        """
        return STRIDE - 1 - max(LANE_BITS) - (self.features - 1).bit_length()

    @property
    def per_word(self) -> int:
        """Features of a word of the table."""
        return 256 // self.bits

    @property
    def parts(self) -> int:
        """Blocks of a word of the table."""
        return self.per_word // BLOCK

    @property
    def words(self) -> int:
        """Words of a row."""
        return -(-self.features // self.per_word)

    @property
    def blocks(self) -> int:
        """Blocks of a sample; those of the last word may be more."""
        return -(-self.features // BLOCK)

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
        """Words of a row that one round of the loop takes."""
        return 2 if self.words >= MANY_WORDS else 1

    @property
    def tile_blocks(self) -> int:
        """Blocks that tiles are made of: whole rounds. Those without features are zeros, which make nothing
        of the words that stand where there are none.
        """
        return -(-self.words // self.turns) * self.turns * self.parts

    @property
    def mask(self) -> int:
        """A lane in every place of a tile."""
        return ONES * ((1 << self.bits) - 1)

    @property
    def signs(self) -> int:
        """The highest bit of every lane of a word of the table."""
        return sum(1 << place * self.bits + self.bits - 1 for place in range(self.per_word))

    @property
    def passes(self) -> list[range]:
        """The rows of each pass."""
        count = -(-self.rows // MOST_SUMS)
        size, more = divmod(self.rows, count)
        ends = [number * size + min(number, more) for number in range(count + 1)]
        return [range(first, end) for first, end in pairwise(ends)]

    def place(self, feature: int) -> int:
        """The place of a feature's lane in its word of the table, counted from the lowest."""
        block, at = divmod(feature % self.per_word, BLOCK)
        return at * self.parts + block

    def table(self, weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """Lanes of shape (n_rows, n_features) as in code: (words, n_rows * per_word), the highest first."""
        padded = np.zeros((self.rows, self.words * self.per_word), np.int64)
        padded[:, : self.features] = weights
        order = np.empty(self.per_word, np.intp)
        for feature in range(self.per_word):
            order[self.per_word - 1 - self.place(feature)] = feature
        words = padded.reshape(self.rows, self.words, self.per_word)[:, :, order]
        return np.ascontiguousarray(words.transpose(1, 0, 2)).reshape(self.words, -1)


def tiles_of(encoding: Encoding, rows: int, bits: int, largest: int) -> Tiles | None:
    """The plan where samples are dense, lanes narrow, and values up to `largest` can be multiplied this way."""
    if encoding.name != "dense" or bits not in LANE_BITS or encoding.n_features < BLOCK:
        return None
    tiles = Tiles(rows, encoding.n_features, bits)
    return tiles if largest < 1 << max(0, tiles.value_bits) else None


def packed_as_tiles(encoding: Encoding, largest: int | None) -> bool:
    """Whether packed samples become tiles as they are: elements of 16 bits, of which none stands for a value
    above `largest`, what can be learned from (None: nothing is learned).
    """
    packing = packing_of(encoding)
    reach = packing.unit << (PACKED_BITS - 1)
    return packing.element_bits == PACKED_BITS and (largest is None or reach <= largest)


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
    if 2 * offset + 1 >= 1 << (PACKED_BITS - 1):
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
