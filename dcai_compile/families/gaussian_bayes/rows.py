"""Ready rows for `templates/gaussian_bayes.sol.j2`: every number in the contract is computed here."""

from __future__ import annotations

from dcai_compile import bigfloat
from dcai_compile.encoding import TO_FLOAT
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers
from dcai_compile.families.gaussian_bayes.mirror import LN2_X64, SUM_LANE_BITS
from dcai_compile.model import Facts
from dcai_compile.tables import Constant
from dcai_compile.wire import wire_constants, wire_errors


def gaussian_context(integers: GaussianIntegers) -> Facts:
    """Everything that only the Gaussian templates need."""
    model = integers.model
    return {
        "updatable": integers.updatable,
        "gathers": False,
        "base_row": True,
        "score_unit": f"{2.0 ** -(integers.fraction_bits + 1)!r}",
        "constants": _constants(integers),
        "counts": [Constant("uint256", "", str(n), f"{n} samples") for n in model.class_counts],
        "priors": _priors(integers),
        "summary": _summary(integers),
        "errors": _errors(integers),
    }


def _priors(integers: GaussianIntegers) -> list[Constant]:
    if integers.priors is None:
        return []
    real = integers.model.priors or ()
    return [
        Constant(
            "int256", "", "type(int256).min" if q == bigfloat.ZERO else str(q), f"{p!r} squared"
        )
        for q, p in zip(integers.priors, real, strict=True)
    ]


def _constants(integers: GaussianIntegers) -> list[Constant]:
    model = integers.model
    size = integers.lane_bits // 8
    row_size = 2 * model.n_classes * size
    power = 2 * model.n_features + (2 if integers.priors is None else 0)
    rows = [
        Constant("uint256", "FEATURES", str(model.n_features), "Number of features."),
        Constant("uint256", "CLASSES", str(model.n_classes), "Number of classes, and of scores."),
        Constant("uint256", "SUM_BYTES", str(size), "Bytes of a published sum."),
        Constant("uint256", "ROW_BYTES", str(row_size), "Bytes of a feature's published sums."),
        Constant(
            "int256",
            "FACTOR_K",
            str(integers.factor_k),
            "Makes EPSILON an integer of 40 bits or more.",
        ),
        Constant(
            "int256",
            "EPSILON",
            str(integers.epsilon),
            f"Smoothing of every variance: {model.epsilon!r} times the square of 1e9, times FACTOR_K.",
        ),
        Constant(
            "int256",
            "FACTOR",
            str(integers.factor_k << integers.fraction_bits),
            "FACTOR_K, times units of a score per 1.0.",
        ),
        Constant(
            "uint256",
            "COUNT_POWER",
            str(power),
            "Power of a class's number of samples in its score: two for each feature"
            + (" and for its probability." if integers.priors is None else "."),
        ),
        Constant("int256", "LN2_X64", str(LN2_X64), "ln 2, times 2**64."),
        Constant(
            "uint256",
            "LOG_SHIFT",
            str(128 - integers.fraction_bits),
            "From a product of two numbers in X64 to units of a score.",
        ),
        *wire_constants(integers.encoding, integers.updatable),
    ]
    if not integers.updatable:
        return rows
    limit = integers.max_value / TO_FLOAT
    return [
        *rows,
        Constant(
            "uint256",
            "COUNT_MAX",
            str(integers.count_max),
            "The most updates of a class: no sum can leave its lane before.",
        ),
        Constant(
            "int64",
            "MAX_VALUE",
            str(integers.max_value),
            f"The largest value that can be learned from: {limit!r}, twice the largest seen.",
        ),
    ]


def _summary(integers: GaussianIntegers) -> list[tuple[str, str]]:
    """Lines of the provenance header."""
    source = "of the training samples" if integers.from_training else "from trained moments"
    rows = [
        ("sums", f"{integers.lane_bits} bits, {source}"),
        ("smoothing", f"{integers.model.epsilon!r}, which does not change"),
    ]
    if not integers.updatable:
        return [*rows, ("update", "frozen: this model never changes")]
    return [
        *rows,
        ("update", "adds the sample to its class's sums, as training on all the data would"),
        (
            "safe updates",
            f"{integers.count_max} of each class are proved not to overflow {SUM_LANE_BITS}-bit lanes",
        ),
    ]


def _errors(integers: GaussianIntegers) -> list[str]:
    """Custom errors that the generated file itself raises."""
    names = wire_errors(integers.encoding, integers.updatable)
    if not integers.updatable:
        return sorted(names | {"ModelIsFrozen"})
    return sorted(names | {"ClassOutOfRange", "FeatureValueOutOfRange", "LaneOverflow"})
