"""How wide the lanes of a model that adds up must be, with the proof that nothing overflows."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from dcai_compile.digits import Digits, digits_for
from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.errors import InvalidOption, OverflowPossible
from dcai_compile.model import Options

LANE_BITS = (8, 16, 32, 64)
"""Lane widths that divide a storage slot."""

CODE_BITS = (8, 16, 24, 32, 40, 48, 56, 64)
"""Lane widths of published values: they live in code, where any number of bytes will do."""


def check_lane_option(options: Options, what: str) -> None:
    """Refuse a `weight_bits` that is no lane width, with `InvalidOption`."""
    if options.weight_bits not in ("auto", *CODE_BITS):
        raise InvalidOption(
            f"weight_bits={options.weight_bits!r} is not a lane width of {what}",
            hint=f"choose 'auto' or one of {', '.join(map(str, CODE_BITS))}",
            option="weight_bits",
            value=options.weight_bits,
        )


def delta_digits(step: int, horizon: int, typical: int) -> tuple[Digits, int]:
    """The narrowest lane in which `horizon` updates of at most `step` are proved to fit, and how many do.

    `typical` is the step that its low digit is chosen for. Raises `OverflowPossible` with the number that
    can be proved.
    """
    best = 0
    for bits in LANE_BITS:
        digits = digits_for(bits, typical)
        best = digits.maximum // max(1, step)
        if best >= horizon:
            return digits, best
    raise OverflowPossible(
        f"only {best} of {horizon} updates are proved safe in 64-bit lanes",
        hint=f"pass horizon={best}, or scale the features (StandardScaler, MaxAbsScaler)"
        if best
        else "scale the features (StandardScaler, MaxAbsScaler)",
        horizon=horizon,
        proved=best,
    )


def typical_step(X: Matrix, encoding: Encoding) -> int:
    """Root mean square of what samples have on the wire, zeros left out; 1 for what is counted."""
    if encoding.is_counts:
        return 1
    wire = encoding.matrix(encoding.encode(X))
    values = np.asarray(wire.data if sparse.issparse(wire) else wire, np.float64)
    present = values[values != 0]
    return max(1, round(float(np.sqrt(np.mean(present * present))))) if present.size else 1


def base_bits(largest: int, options: Options) -> int:
    """The narrowest lane for published values up to `largest`, or the one that the options ask for."""
    least = next((bits for bits in CODE_BITS if largest < 1 << (bits - 1)), None)
    if least is None:
        raise OverflowPossible(
            f"a published value of {largest} does not fit in 64 bits",
            hint="scale the features (StandardScaler, MaxAbsScaler), or use numbers with few decimals",
        )
    if options.weight_bits == "auto":
        return least
    if int(options.weight_bits) < least:
        raise OverflowPossible(
            f"a published value of {largest} does not fit in weight_bits={options.weight_bits}",
            hint=f"pass weight_bits={least} or 'auto'",
        )
    return int(options.weight_bits)
