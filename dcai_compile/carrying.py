"""How often lanes carry in the life of a model, worked out exactly enough, in integers.

What is assumed, as `delta_choice.py` does: the features of a sample are any, as likely as all others. Then
how often lessons have moved a lane is Poisson distributed. Where lanes only grow, every move goes up.
Elsewhere it goes up or down, as likely, and all lessons teach: a lane walks at random. That is more than
it does, as a weight that has moved its way makes the next mistake less likely; that it goes on in one
direction for a whole life is what no training step does, as it would be for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from dcai_compile.digits import Digits

UNIT = 1 << 64
"""Expected numbers and probabilities are counted in parts of one."""

FINE = 1 << 128
"""Of weights that are not normalised yet."""

DOUBTFUL = 64
"""Moves beyond any that are expected, up to which a walk is followed."""


@dataclass(frozen=True)
class Carrying:
    """Of one lane: the probability that it is beyond its low digit, and that the next move carries."""

    beyond: int
    next: int


def power(base: int, exponent: int) -> int:
    """``base ** exponent``, in parts of `UNIT` both."""
    found, factor = UNIT, base
    while exponent:
        if exponent & 1:
            found = found * factor // UNIT
        factor = factor * factor // UNIT
        exponent >>= 1
    return found


@cache
def grown(moves: Fraction) -> tuple[int, ...]:
    """Weights of having moved 0, 1, 2, ... times where `moves` are expected."""
    weights = [FINE]
    while weights[-1]:
        weights.append(
            weights[-1] * moves.numerator // (moves.denominator * len(weights)),
        )
    return tuple(weights)


@cache
def walked(moves: Fraction) -> tuple[int, ...]:
    """Weights of being 0, 1, 2, ... moves from the start, in one direction, where `moves` are expected.

    That is a modified Bessel function I of the first kind, by its recurrence from far out inwards.
    """
    far = 2 * int(moves) + DOUBTFUL
    weights = [0, FINE]
    for place in range(far, 0, -1):
        here, beyond = weights[-1], weights[-2]
        weights.append(beyond + 2 * place * here * moves.denominator // moves.numerator)
    return tuple(reversed(weights[1:]))


def carrying(digits: Digits, grows: bool, step: int, moves: Fraction) -> Carrying:
    """Of a lane of which `moves` of `step` units are expected."""
    size = max(1, (1 << digits.low_bits) // step)
    up = max(1, ((1 << digits.low_bits) + digits.least) // step)  # moves until the first carry
    if grows:
        weights = grown(moves)
        every = sum(weights)
        beyond, crossing = sum(weights[up:]), sum(weights[up - 1 :: size])
        return Carrying(beyond * UNIT // every, crossing * UNIT // every)
    weights = walked(moves)
    every = weights[0] + 2 * sum(weights[1:])
    # Half of the moves of a lane beside an end of its digit cross it; there is one either way.
    crossing = sum(weights[up - 1 :: size]) + sum(weights[up::size])
    return Carrying(2 * sum(weights[up:]) * UNIT // every, min(UNIT, crossing * UNIT // every))
