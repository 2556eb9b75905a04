"""Ready rows for `templates/centroid.sol.j2`: every number in the contract is computed here."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dcai_compile.families.centroid.integers import CentroidIntegers
from dcai_compile.model import Facts
from dcai_compile.tables import Constant
from dcai_compile.tiles import packed_as_tiles, tile_facts
from dcai_compile.wire import wire_constants, wire_errors

WORD_BITS = 256


def centroid_context(integers: CentroidIntegers) -> Facts:
    """Everything that only the centroid templates need."""
    model, encoding = integers.model, integers.encoding
    unit = integers.unit
    tiles = integers.tiles
    packed = tiles is not None and packed_as_tiles(encoding, integers.max_value)
    return {
        **tile_facts(tiles, packed, integers.division if tiles else None),
        "metric": model.metric,
        "glance_bits": max(0, integers.max_value.bit_length() - 1),
        "updatable": integers.updatable,
        "keeps_squares": integers.keeps_squares,
        "grid_bits": integers.grid_bits,
        "learn_fits": 2 * integers.on_grid(integers.max_value) < 1 << integers.low_bits,
        "grain_times": "GRAIN * " if integers.grain != 1 else "",
        "gathers": encoding.is_sparse,
        "base_row": tiles is None,
        "has_values": not encoding.is_counts,
        "unit": f"{float(unit)!r}",
        "score_unit": f"{float(integers.score_unit)!r}",
        "constants": _constants(integers),
        "counts": [Constant("uint256", "", str(n), f"{n} samples") for n in integers.counts],
        "has_empty": 0 in integers.counts,
        "fraction_bits": integers.fraction_bits,
        "square_shift": _square_shift(integers),
        "squares": _values(integers.squares, unit * unit),
        "magnitudes": _values(integers.magnitudes, unit),
        "units_per_real": encoding.scale * integers.grain,
        "summary": _summary(integers),
        "errors": _errors(integers),
    }


def _square_shift(integers: CentroidIntegers) -> int:
    """How far above a dense sample's product with a sum the square of the sum may be added to it; 0: nowhere.

    Both are for any sample of int64 and any state of the lanes. A product is signed; a square has what is left.
    """
    if not integers.updatable or integers.encoding.is_sparse:
        return 0
    largest = int(np.abs(integers.sums).max()) + (1 << (integers.lane_bits - 1))
    features = integers.encoding.n_features
    shift = (features * largest * integers.encoding.max_wire_value).bit_length() + 1
    square = (features * largest * largest).bit_length()
    return shift if shift + square <= WORD_BITS else 0


def _values(values: tuple[int, ...], unit: Fraction) -> list[Constant]:
    return [Constant("int256", "", str(v), f"{float(v * unit):.6g}") for v in values]


def _constants(integers: CentroidIntegers) -> list[Constant]:
    model, encoding = integers.model, integers.encoding
    tiles = integers.tiles
    size = (tiles.bits if tiles else integers.base_bits) // 8
    row_bytes = model.n_classes * size * (tiles.per_word if tiles else 1)
    whose = f"{tiles.per_word} features'" if tiles else "a feature's"
    unit = float(integers.unit)
    rows = [
        Constant("uint256", "FEATURES", str(encoding.n_features), "Number of features."),
        Constant("uint256", "CLASSES", str(model.n_classes), "Number of classes, and of scores."),
        Constant("uint256", "ROW_BYTES", str(row_bytes), f"Bytes of {whose} published sums."),
        *wire_constants(encoding, integers.updatable),
    ]
    if tiles is None:
        comment = f"Units of a sum, worth {unit!r}, per wire unit."
        rows.append(Constant("uint256", "SUM_BYTES", str(size), "Bytes of a published sum."))
        rows.append(Constant("int256", "GRAIN", str(integers.grain), comment))
    if integers.grid_bits:
        comment = f"Wire units per unit of a sum, worth {unit!r}."
        rows.append(Constant("int256", "GRID", str(integers.grid), comment))
    if not integers.updatable:
        return rows
    if not encoding.is_counts:
        limit = repr(integers.max_value / encoding.scale)
        comment = f"The largest value that can be learned from: {limit}, twice the largest seen."
        rows.append(Constant("int64", "MAX_VALUE", str(integers.max_value), comment))
    return rows


def _summary(integers: CentroidIntegers) -> list[tuple[str, str]]:
    """Lines of the provenance header."""
    title = "sums" if integers.updatable else "centroids"
    bits = integers.tiles.bits if integers.tiles else integers.base_bits
    rows = [
        ("distance", integers.model.metric),
        (title, f"{bits} bits, one unit is {float(integers.unit)!r}"),
    ]
    if not integers.updatable:
        return [*rows, ("update", "frozen: this model never changes")]
    return [
        *rows,
        ("update", "adds the sample to its class's sum, as training on all the data would"),
        *(
            [("grid", f"a lesson's values are rounded to steps of {float(integers.unit)!r}")]
            if integers.grid_bits
            else []
        ),
        (
            "safe updates",
            f"{integers.proved_updates} are proved not to overflow {integers.lane_bits}-bit lanes",
        ),
    ]


def _errors(integers: CentroidIntegers) -> list[str]:
    """Custom errors that the generated file itself raises."""
    names: set[str] = {
        "ValueNotRepresentable",
        *wire_errors(integers.encoding, integers.updatable),
    }
    if not integers.updatable:
        return sorted(names | {"ModelIsFrozen"})
    names |= {"ClassOutOfRange", "LaneOverflow"}
    if not integers.encoding.is_counts:
        names.add("FeatureValueOutOfRange")
    return sorted(names)
