"""How a dense sample is multiplied with a table: all rows in one pass over the sample, lanes together.

The lanes of a feature, one a row, are loaded as one word. Where sums of products fit, every k-th lane stays
in place (a mask takes the others away), so that one multiplication with the feature's value serves them all:
its product has the products side by side, `stride` bits each. Negative values are no problem: sums of whole
words are exact modulo 2**256, and are taken apart at the end, lane by lane with their signs. Negative lanes
would be, so lanes are biased by half their range first, and the bias times the sum of the values is taken off.

That is exact while no value passes ``2**value_bits``; whoever sends larger ones pays for a plain loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from dcai_compile.encoding import Encoding

WORD_BITS = 256
MOST_SUMS = 4
"""Sums of one pass: more would not stay within reach on the stack."""

SKIPS_FROM = 4
"""From so many rows on it pays to ask whether two neighbours are zero, as many of an image are."""

INT64_BITS = 63


@dataclass(frozen=True)
class Sum:
    """One accumulator.

    Attributes
    ----------
    load : which load of its pass it takes lanes from.
    shift : bits that the word is moved down first.
    lanes : row and lowest bit, in the sum, of each lane.
    """

    load: int
    shift: int
    lanes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pass:
    """One pass over the sample.

    Attributes
    ----------
    loads : bytes from the beginning of a feature's lanes to the end of each word that is loaded.
    sums : at most `MOST_SUMS`.
    """

    loads: tuple[int, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True)
class Kernel:
    """The plan for one table.

    Attributes
    ----------
    bits : of a lane in code.
    stride : bits of a lane in a sum; `WORD_BITS` where each row has a sum of its own.
    value_bits : samples of values from ``-2**value_bits`` to below ``2**value_bits`` are multiplied this
        way, and others checked word by word first.
    """

    bits: int
    stride: int
    value_bits: int
    passes: tuple[Pass, ...]
    rows: int

    @property
    def together(self) -> bool:
        """Whether lanes share sums."""
        return self.stride < WORD_BITS

    @property
    def skips(self) -> bool:
        """Whether pairs of zeros are passed over."""
        return self.rows >= SKIPS_FROM

    @property
    def unrolled(self) -> int:
        """Pairs of features that one round of the loop takes."""
        return 4 if self.rows <= 2 else 2

    @property
    def mask(self) -> int:
        """The lanes that stay in place."""
        return self._every(self.stride, (1 << self.bits) - 1, WORD_BITS // self.stride)

    @property
    def signs(self) -> int:
        """The highest bit of every lane as it is loaded."""
        return self._every(self.bits, 1 << (self.bits - 1), WORD_BITS // self.bits)

    def halves(self, lanes: int) -> int:
        """What makes so many signed lanes of a sum not negative."""
        return self._every(self.stride, 1 << (self.stride - 1), lanes)

    @staticmethod
    def _every(stride: int, value: int, count: int) -> int:
        return sum(value << (stride * place) for place in range(count))


def kernel_of(encoding: Encoding, rows: int, bits: int) -> Kernel | None:
    """The plan for a model's table; None where samples are sparse or lanes too wide."""
    if encoding.name != "dense" or bits > INT64_BITS + 1:
        return None
    return plan_kernel(rows, bits, encoding.n_features, encoding.packed_reach)


def plan_kernel(rows: int, bits: int, features: int, largest: int) -> Kernel:
    """The plan for `rows` lanes of `bits` bits a feature, where values are mostly up to `largest`."""
    terms = (features - 1).bit_length()
    wanted = bits + max(1, largest).bit_length() + terms + 1
    step = -(-wanted // bits)
    stride = step * bits
    places = WORD_BITS // stride if stride <= WORD_BITS else 0
    chunks = _chunks(rows, min(step * places, WORD_BITS // bits)) if places > 1 else []
    sums = [_sums(chunk, step, bits, stride) for chunk in chunks]
    if not chunks or sum(map(len, sums)) >= rows:
        # Exact for all; with a limit of few bits a glance at a sample costs less.
        glance = min(INT64_BITS, largest.bit_length() + 1)
        return Kernel(bits, WORD_BITS, glance, tuple(_plain(rows, bits)), rows)
    passes = []
    for chunk, found in zip(chunks, sums, strict=True):
        for first in range(0, len(found), MOST_SUMS):
            part = tuple(found[first : first + MOST_SUMS])
            passes.append(Pass((chunk[-1] * bits // 8 + bits // 8,), part))
    return Kernel(
        bits, stride, min(INT64_BITS, stride - 1 - bits - terms), tuple(_joined(passes)), rows
    )


def _chunks(rows: int, size: int) -> list[range]:
    """Rows that one word has, as many in each but the last."""
    return [range(first, min(first + size, rows)) for first in range(0, rows, size)]


def _sums(chunk: range, step: int, bits: int, stride: int) -> list[Sum]:
    """The sums of a loaded word, whose lowest lane is the last row."""
    found = []
    for phase in range(min(step, len(chunk))):
        rows = chunk[::-1][phase::step]
        lanes = tuple((row, place * stride) for place, row in enumerate(rows))
        found.append(Sum(0, phase * bits, lanes))
    return found


def _joined(passes: list[Pass]) -> list[Pass]:
    """Passes that fit into one become one."""
    joined: list[Pass] = []
    for each in passes:
        last = joined[-1] if joined else None
        if last is None or len(last.sums) + len(each.sums) > MOST_SUMS:
            joined.append(each)
            continue
        moved = tuple(Sum(len(last.loads), one.shift, one.lanes) for one in each.sums)
        joined[-1] = Pass(last.loads + each.loads, last.sums + moved)
    return joined


def _plain(rows: int, bits: int) -> list[Pass]:
    """A sum a row."""
    size = bits // 8
    return [
        Pass(
            tuple((row + 1) * size for row in chunk),
            tuple(Sum(place, 0, ((row, 0),)) for place, row in enumerate(chunk)),
        )
        for chunk in _chunks(rows, MOST_SUMS)
    ]
