"""How a sample of bytes is multiplied with a table of tiles: eight products by one multiplication.

A byte times a lane of 16 bits has 24 bits. So eight values of a sample, 32 bits apart, can be multiplied with
eight lanes that stand 32 bits apart in the opposite order, and the sum of the eight products is in the highest
32 bits, as it is in the highest 64 of a tile's four (see `tiles`). Neither values nor lanes, biased, are
negative, so that no sum borrows; sums of more features than 32 bits have room for are taken off in time.

The table is the one that tiles are multiplied with. In a block of 16 features the lanes of the even ones stand
32 bits apart, and so do those of the odd ones: a block of a sample is two words, one with its even features,
the first of them highest, and one with the odd ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from dcai_compile.encoding import BYTE_BITS, Encoding
from dcai_compile.tiles import BLOCK, Tiles

STRIDE = 32
"""Bits of a value in a word of a sample."""

MOST_LANE_BITS = 16
"""Of lanes with which products of a byte leave room for sums."""

ROUND_BLOCKS = 2
"""Blocks of one round of the loop, where a row has so many."""


@dataclass(frozen=True)
class ByteTiles:
    """The plan for a table of `tiles`, and samples whose bytes count `unit`."""

    tiles: Tiles
    unit: int

    @property
    def products(self) -> list[tuple[int, int]]:
        """What a word of the table is multiplied with: words of a sample, counted from the block's first, and
        the lowest bit of the last lane in the word.
        """
        blocks = self.tiles.per_word // BLOCK
        return [
            (2 * block + odd, 16 * odd + self.tiles.bits * block)
            for block in range(blocks)
            for odd in range(2)
        ]

    @property
    def turns(self) -> int:
        """Words of a row that one round of the loop takes."""
        blocks = self.tiles.per_word // BLOCK
        return max(1, ROUND_BLOCKS // blocks) if self.tiles.words >= ROUND_BLOCKS else 1

    @property
    def rounds(self) -> int:
        """Rounds of a row."""
        return -(-self.tiles.words // self.turns)

    @property
    def round_blocks(self) -> int:
        """Blocks of a round."""
        return self.turns * self.tiles.per_word // BLOCK

    @property
    def blocks(self) -> int:
        """Blocks that a sample is made of: whole rounds. What lies behind the last feature is zero."""
        return self.rounds * self.round_blocks

    @property
    def sum_rounds(self) -> int:
        """Rounds whose products fit into one sum."""
        largest = ((1 << BYTE_BITS) - 1) * self.tiles.lane_mask
        return ((1 << STRIDE) - 1) // (largest * BLOCK * self.round_blocks)

    @property
    def ones(self) -> int:
        """A word with 1 in every place."""
        return sum(1 << STRIDE * place for place in range(256 // STRIDE))


def byte_tiles_of(encoding: Encoding, tiles: Tiles | None) -> ByteTiles | None:
    """The plan, where packed samples are bytes and lanes narrow enough."""
    if tiles is None or encoding.packed_bits != BYTE_BITS or tiles.bits > MOST_LANE_BITS:
        return None
    return ByteTiles(tiles, encoding.packed_unit)
