"""Ready rows for `templates/count_bayes.sol.j2`: every number in the contract is computed here."""

from __future__ import annotations

from fractions import Fraction

from dcai_compile import bigfloat
from dcai_compile.encoding import TO_FLOAT
from dcai_compile.families.count_bayes.integers import CountIntegers
from dcai_compile.families.count_bayes.mirror import ONE_PACKED
from dcai_compile.model import Facts
from dcai_compile.tables import Constant
from dcai_compile.wire import wire_constants, wire_errors

FORMULAS = {
    "multinomial": "Score of a class: P(class) * product over the sample of P(feature | class) ^ value.",
    "complement": "Score of a class: 1 / product over the sample of P(feature | other classes) ^ value.",
    "normed": "Score of a class: sum over the sample of value * w, where w is log P(feature | other "
    "classes) as a share of all features'.",
    "bernoulli": "Score of a class: P(class) * product over all features of P(present or absent | class).",
    "categorical": "Score of a class: P(class) * product over the columns of P(category | class).",
}


def count_context(integers: CountIntegers) -> Facts:
    """Everything that only the counting templates need."""
    model, encoding = integers.model, integers.encoding
    per_count = encoding.scale * integers.grain
    return {
        "kind": model.kind,
        "norm": model.norm,
        "formula": FORMULAS["normed" if model.norm else model.kind],
        "updatable": integers.updatable,
        "gathers": encoding.is_sparse and model.kind != "bernoulli",
        "base_row": True,
        "has_values": not encoding.is_counts,
        "scale": encoding.scale,
        "grain": integers.grain,
        "unit": f"{float(integers.unit)!r}",
        "units_per_count": per_count,
        "factor_bits": integers.factor_bits,
        "n_columns": len(model.sizes),
        "offset_lines": _offset_lines(integers),
        "uniform_alpha": integers.uniform_alpha,
        "prior_is_factor": integers.prior_is_factor,
        "constants": _constants(integers),
        "class_counts": _values(integers.class_counts, Fraction(1, integers.grain), "samples"),
        "class_totals": _values(integers.totals, integers.unit, "counted"),
        "priors": _priors(integers),
        "products": [
            Constant("int256", "", str(p), f"exp({bigfloat.to_log(p):.6f})")
            for p in integers.log_products
        ],
        "dcai_smoothing": _dcai_smoothing(integers),
        "summary": _summary(integers),
        "errors": _errors(integers),
    }


def _values(values: tuple[int, ...], unit: Fraction, title: str) -> list[Constant]:
    return [Constant("uint256", "", str(v), f"{float(v * unit):.6g} {title}") for v in values]


def _priors(integers: CountIntegers) -> list[Constant]:
    if integers.priors is None or not integers.model.has_prior:
        return []
    real = integers.model.class_prior or ()
    return [
        Constant("int256", "", _literal(packed), f"{p!r}")
        for packed, p in zip(integers.priors, real, strict=True)
    ]


def _literal(packed: int) -> str:
    return "type(int256).min" if packed == bigfloat.ZERO else str(packed)


def _offset_lines(integers: CountIntegers) -> list[dict[str, str]]:
    """First index of each column and the end, 4 bytes each, eight to a line."""
    if not integers.model.sizes:
        return []
    offsets = [*integers.offsets, sum(integers.model.sizes)]
    lines = []
    for start in range(0, len(offsets), 8):
        part = offsets[start : start + 8]
        data = b"".join(offset.to_bytes(4, "big") for offset in part)
        lines.append({"hex": data.hex(), "comment": ", ".join(map(str, part))})
    return lines


def _constants(integers: CountIntegers) -> list[Constant]:
    model, encoding = integers.model, integers.encoding
    n_classes = model.n_classes
    lanes = n_classes + (0 if integers.uniform_alpha else 1)
    size = integers.base_bits // 8
    features = "Number of categories of all columns." if model.sizes else "Number of features."
    rows = [
        Constant("uint256", "FEATURES", str(encoding.n_features), features),
        Constant("uint256", "CLASSES", str(n_classes), "Number of classes, and of scores."),
        Constant("uint256", "COUNT_BYTES", str(size), "Bytes of a published count."),
        Constant(
            "uint256", "ROW_BYTES", str(lanes * size), "Bytes of a feature's published counts."
        ),
        Constant(
            "uint256",
            "FACTOR_M",
            str(integers.factor_m),
            f"Units of a numerator per unit of a count, of which one is worth {float(integers.unit)!r}.",
        ),
        Constant(
            "uint256",
            "FACTOR_BITS",
            str(integers.factor_bits),
            "No numerator is this wide or wider, whatever the lanes hold.",
        ),
    ]
    per_real = integers.factor_m * integers.encoding.scale * integers.grain
    if integers.uniform_alpha:
        comment = f"Smoothing of every count: {float(Fraction(integers.alpha[0], per_real))!r}."
        rows.append(Constant("uint256", "ALPHA", str(integers.alpha[0]), comment))
    if model.kind in ("multinomial", "complement"):
        comment = (
            f"Smoothing of all counts together: {float(Fraction(integers.alpha_sum, per_real))!r}."
        )
        rows.append(Constant("uint256", "ALPHA_SUM", str(integers.alpha_sum), comment))
    if model.sizes:
        rows.append(Constant("uint256", "COLUMNS", str(len(model.sizes)), "Number of columns."))
    else:
        rows += wire_constants(encoding, integers.updatable)
    return [*rows, *_lengths(integers), *_update_constants(integers)]


def _lengths(integers: CountIntegers) -> list[Constant]:
    """How many bits a number has at least: what is counted of a class never falls."""
    model = integers.model
    rows = []
    lifted = integers.encoding.scale == 1 and not integers.prior_is_factor
    if model.has_prior and integers.priors is None and lifted:
        least = max(1, min(integers.class_counts).bit_length())
        comment = "Bits of a class's samples at least, if there are any."
        rows.append(Constant("uint256", "SAMPLES_LENGTH", str(least), comment))
    if model.kind != "categorical":
        least = min(_denominators(integers)).bit_length()
        comment = "Bits of a denominator at least."
        rows.append(Constant("uint256", "WHOLE_LENGTH", str(least), comment))
    return rows


def _denominators(integers: CountIntegers) -> list[int]:
    """What the numerators of each class add up to, as published."""
    kind, m = integers.model.kind, integers.factor_m
    if kind == "bernoulli":
        return [n * m + 2 * integers.alpha[0] for n in integers.class_counts]
    counted = list(integers.totals)
    if kind == "complement":
        counted = [sum(counted) - own for own in counted]
    return [n * m + integers.alpha_sum for n in counted]


def _update_constants(integers: CountIntegers) -> list[Constant]:
    if not integers.updatable:
        return []
    model, encoding = integers.model, integers.encoding
    rows = [
        Constant("int256", "GRAIN", str(integers.grain), "Units of one sample or occurrence."),
    ]
    if not encoding.is_counts:
        limit = repr(integers.max_value / encoding.scale)
        comment = f"The largest value that can be learned from: {limit}, twice the largest seen."
        rows.append(Constant("int64", "MAX_VALUE", str(integers.max_value), comment))
    if model.norm:
        rows.append(Constant("int256", "ONE_PACKED", str(ONE_PACKED), "1.0, packed."))
    return rows


def _dcai_smoothing(integers: CountIntegers) -> int | None:
    """In the type of DCAI's getter, or None where there is no such number."""
    if not integers.uniform_alpha:
        return None
    smoothing = round(Fraction(float(integers.model.alpha[0])) * TO_FLOAT)
    return smoothing if 0 < smoothing < 1 << 32 else None


def _summary(integers: CountIntegers) -> list[tuple[str, str]]:
    """Lines of the provenance header."""
    unit = float(integers.unit)
    rows = [("counts", f"{integers.base_bits} bits, one unit is {unit!r}")]
    if integers.uniform_alpha:
        rows.append(("smoothing", f"{float(integers.model.alpha[0])!r}"))
    if not integers.updatable:
        return [*rows, ("update", "frozen: this model never changes")]
    return [
        *rows,
        ("update", "counts the sample, as training on all the data would"),
        (
            "safe updates",
            f"{integers.proved_updates} are proved not to overflow {integers.lane_bits}-bit lanes",
        ),
    ]


def _errors(integers: CountIntegers) -> list[str]:
    """Custom errors that the generated file itself raises."""
    names: set[str] = {"ValueNotRepresentable"}
    if integers.model.sizes:
        names |= {"CategoryOutOfRange", "SampleLengthMismatch"}
    else:
        names |= wire_errors(integers.encoding, integers.updatable)
    has_values = not integers.encoding.is_counts
    if has_values:
        names.add("NegativeFeatureValue")
    if not integers.updatable:
        return sorted(names | {"ModelIsFrozen"})
    names |= {"ClassOutOfRange", "LaneOverflow"}
    if has_values:
        names.add("FeatureValueOutOfRange")
    return sorted(names)
