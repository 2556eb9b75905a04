"""Ready rows for `templates/linear.sol.j2`: every number in the contract is computed here."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, inf

from dcai_compile.byte_tiles import byte_tiles_of
from dcai_compile.encoding import TO_FLOAT
from dcai_compile.families.linear.integers import LinearIntegers
from dcai_compile.families.linear.plan import delta_unit, largest_move
from dcai_compile.families.linear.steps import Rule
from dcai_compile.fixed import div_round_half_away
from dcai_compile.model import Facts
from dcai_compile.tables import Constant
from dcai_compile.tiles import PACKED_BITS, Division, divide_in_tiles, packed_as_tiles, tile_facts
from dcai_compile.wire import wire_constants, wire_errors

WORD_BYTES = 32

CONSTANT_COMMENTS = {
    "one": "The largest score that is not above 1.0.",
    "unit_mantissa": "One unit of a score, times 2**(64 + UNIT_SHIFT).",
    "unit_shift": "See UNIT_MANTISSA.",
    "low": "The largest score below 1 - epsilon; epsilon is {epsilon!r}.",
    "high": "The largest score not above 1 + epsilon; epsilon is {epsilon!r}.",
    "epsilon_x64": "{epsilon!r}, times 2**64.",
    "c_x64": "C = {c!r}, times 2**64.",
    "half_over_c": "1 / (2 C) with C = {c!r}, in squared wire units times 2**64.",
    "scale_squared": "Squared wire units per 1.0.",
}

FORMULAS = {
    "perceptron": "the perceptron.",
    "hinge": "the hinge loss.",
    "log_loss": "the logistic loss.",
    "modified_huber": "the modified Huber loss.",
    "squared_hinge": "the squared hinge loss.",
    "squared_error": "the squared error.",
    "huber": "the Huber loss.",
    "epsilon_insensitive": "the epsilon-insensitive loss.",
    "squared_epsilon_insensitive": "the squared epsilon-insensitive loss.",
    "pa1": "passive-aggressive I.",
    "pa2": "passive-aggressive II.",
}


def linear_context(integers: LinearIntegers) -> Facts:
    """Everything that only the linear templates need."""
    plan, rule = integers.plan, integers.rule
    score_unit, fine_unit = integers.score_unit, integers.grid.fine_unit
    facts: Facts = {
        "updatable": plan is not None,
        **tile_facts(integers.tiles, _packed_tiles(integers), _division(integers)),
        "byte_tiles": byte_tiles_of(integers.encoding, integers.tiles),
        "n_rows": integers.n_rows,
        "gathers": integers.encoding.is_sparse,
        "base_row": integers.encoding.is_sparse,
        "has_values": integers.encoding.name == "pairs",
        "constants": [*_shape(integers), *_step(integers), *_dcai(integers)],
        "intercepts": [
            Constant("int256", "", str(b), f"{float(b * score_unit)!r}")
            for b in integers.grid.intercepts
        ],
        "score_factor": integers.grid.factor_a * integers.grid.factor_k,
        "score_unit": f"{float(score_unit)!r}",
        "fine_unit": f"{float(fine_unit)!r}",
        "rule": plan.rule if plan else None,
        "rule_formula": FORMULAS[plan.rule] if plan else None,
        "learning_rate": _rate(integers),
        "fit_intercept": plan.fit_intercept if plan else False,
        "learn_counts": integers.encoding.is_counts,
        "unit_steps": rule is not None and not rule.fraction_bits,
        "glance_bits": plan.max_value.bit_length() - 1 if plan else 0,
        "round_bias": 1 << (253 - plan.divisor.bit_length()) if plan else 1,
        "divisor": plan.divisor if plan else 1,
        "learn_fits": _moves_fit(integers),
        "uses_norm": rule.uses_norm if rule else False,
        "dcai_learning_rate": _dcai_learning_rate(integers),
        "summary": _summary(integers),
        "errors": _errors(integers),
    }
    return facts


def _packed_tiles(integers: LinearIntegers) -> bool:
    """Whether packed samples are multiplied without being unpacked."""
    plan, rule = integers.plan, integers.rule
    if integers.tiles is None or (rule is not None and rule.uses_norm):
        return False
    return packed_as_tiles(integers.encoding, plan.max_value if plan else None)


def _division(integers: LinearIntegers) -> Division | None:
    """How the steps of a lesson are made, four at once; None where they are made one by one.

    They have to be whole multiples of the values and to fit in a low digit.
    """
    plan, rule = integers.plan, integers.rule
    if plan is None or rule is None or integers.tiles is None or not _moves_fit(integers):
        return None
    if plan.low_bits != PACKED_BITS or not plan.digits.carries:
        return None
    if rule.fraction_bits or rule.uses_norm:
        return None
    return divide_in_tiles(plan.divisor, ceil(rule.max_tau(plan.epsilon, plan.c)) * plan.max_value)


def _moves_fit(integers: LinearIntegers) -> bool:
    """Whether no step can be larger than the low digit of a lane."""
    plan, rule = integers.plan, integers.rule
    if plan is None or rule is None:
        return False
    max_tau = rule.max_tau(plan.epsilon, plan.c)
    if max_tau == inf:
        return False
    move = largest_move(rule, integers.encoding, max_tau, plan.divisor, plan.max_value)
    return move < 1 << (plan.low_bits - 1)


def _rate(integers: LinearIntegers) -> str:
    plan, rule = integers.plan, integers.rule
    if plan is None or rule is None:
        return ""
    return f"C = {plan.c!r}" if rule.is_passive_aggressive else repr(plan.eta)


def _shape(integers: LinearIntegers) -> list[Constant]:
    grid, encoding = integers.grid, integers.encoding
    fine = float(grid.fine_unit)
    rows = [
        Constant("uint256", "FEATURES", str(encoding.n_features), "Number of features."),
        Constant("uint256", "CLASSES", str(len(integers.model.classes)), "Number of classes."),
        Constant(
            "uint256",
            "ROWS",
            str(integers.n_rows),
            "Number of scores: one for two classes, else one a class.",
        ),
        Constant("uint256", "WEIGHT_BYTES", str(grid.bits // 8), "Bytes of a published weight."),
    ]
    tiles = integers.tiles
    size = integers.n_rows * (grid.bits // 8 if tiles is None else WORD_BYTES)
    whose = "a feature's" if tiles is None else f"{tiles.per_word} features'"
    rows.append(Constant("uint256", "ROW_BYTES", str(size), f"Bytes of {whose} published weights."))
    rows += wire_constants(encoding, integers.plan is not None)
    rows += [
        Constant(
            "int256",
            "FACTOR_A",
            str(grid.factor_a),
            f"Fine units of a published weight; one is worth {float(grid.fine_unit * grid.factor_a)!r}.",
        ),
        Constant(
            "int256",
            "FACTOR_K",
            str(grid.factor_k),
            f"Units of a score per fine unit of a weight (worth {fine!r}) and wire unit.",
        ),
    ]
    return rows


def _step(integers: LinearIntegers) -> list[Constant]:
    plan, rule, grid = integers.plan, integers.rule, integers.grid
    if plan is None or rule is None:
        return []
    unit = delta_unit(rule, plan.eta, plan.divisor, integers.encoding)
    rows = [
        Constant(
            "int256",
            "FACTOR_E",
            str(grid.factor_e),
            f"Fine units of a learned unit; one is worth {float(unit)!r}.",
        ),
        Constant(
            "int256",
            "DIVISOR",
            str(plan.divisor),
            "Step times wire value per learned unit; literals may have divisions by it in them.",
        ),
    ]
    if plan.fit_intercept:
        rows.append(_intercept_step(integers.intercept_step, plan.divisor, rule))
    if not integers.encoding.is_counts:
        limit = repr(plan.max_value / integers.encoding.scale)
        rows.append(
            Constant(
                "int64",
                "MAX_VALUE",
                str(plan.max_value),
                f"The largest value that can be learned from: {limit}, twice the largest seen.",
            )
        )
    return [*rows, *_rule_constants(integers)]


def _intercept_step(step: int, divisor: int, rule: Rule) -> Constant:
    """How far a step moves an intercept: rounded here where all steps are -1, 0 or 1."""
    if not rule.fraction_bits:
        step, title = div_round_half_away(step, divisor), "a step"
    else:
        title = "a step of DIVISOR"
    comment = f"Units of a score by which {title} moves the intercept."
    return Constant("int256", "INTERCEPT_STEP", str(step), comment)


def _rule_constants(integers: LinearIntegers) -> list[Constant]:
    plan, rule = integers.plan, integers.rule
    assert plan is not None and rule is not None
    rows = []
    square = integers.encoding.scale**2
    if rule.uses_norm:
        least, most = plan.min_squared_norm, plan.max_squared_norm
        rows += [
            Constant(
                "uint256",
                "MIN_SQUARED_NORM",
                str(least),
                f"Of a sample that can be learned from: {least / square:.6g}.",
            ),
            Constant(
                "uint256",
                "MAX_SQUARED_NORM",
                str(most),
                f"Of a sample that can be learned from: {most / square:.6g}."
                if most
                else "0: no limit is needed.",
            ),
        ]
    if rule.fraction_bits:
        rows.append(Constant("int256", "ONE_X64", str(1 << 64), "1.0, times 2**64."))
    values = integers.constants()
    for name in rule.constants:
        kind = "uint256" if name == "unit_shift" else "int256"
        comment = CONSTANT_COMMENTS[name].format(epsilon=plan.epsilon, c=plan.c)
        rows.append(Constant(kind, name.upper(), str(getattr(values, name)), comment))
    return rows


def _dcai(integers: LinearIntegers) -> list[Constant]:
    """Factors from our units to DCAI's, exact to 96 bits."""
    rows = []
    for name, unit in (("WEIGHT", integers.grid.fine_unit), ("INTERCEPT", integers.score_unit)):
        mantissa, shift = _mantissa(unit * TO_FLOAT)
        rows.append(
            Constant(
                "int256",
                f"DCAI_{name}_MANTISSA",
                str(mantissa),
                f"{float(unit * TO_FLOAT)!r}, times 2**DCAI_{name}_SHIFT.",
            )
        )
        rows.append(
            Constant(
                "uint256",
                f"DCAI_{name}_SHIFT",
                str(shift),
                f"See DCAI_{name}_MANTISSA.",
            )
        )
    return rows


def _mantissa(value: Fraction) -> tuple[int, int]:
    shift = max(0, 96 + value.denominator.bit_length() - value.numerator.bit_length())
    return round(value * (1 << shift)), shift


def _dcai_learning_rate(integers: LinearIntegers) -> int | None:
    """In the type of DCAI's getter, or None where it does not fit."""
    plan, rule = integers.plan, integers.rule
    if plan is None or rule is None or rule.is_passive_aggressive:
        return None
    rate = round(Fraction(plan.eta) * TO_FLOAT)
    return rate if 0 < rate < 1 << 32 else None


def _summary(integers: LinearIntegers) -> list[tuple[str, str]]:
    """Lines of the provenance header."""
    plan, grid = integers.plan, integers.grid
    unit = float(grid.fine_unit * grid.factor_a)
    rows = [("weights", f"{grid.bits} bits, one unit is {unit!r}")]
    if plan is None:
        return [*rows, ("update", "frozen: this model never changes")]
    rows.append(("update", f"{plan.rule}, {_rate_title(integers)}, no penalty"))
    rows.append(
        (
            "safe updates",
            f"{plan.proved_updates} are proved not to overflow {plan.lane_bits}-bit lanes",
        )
    )
    return rows


def _rate_title(integers: LinearIntegers) -> str:
    rate = _rate(integers)
    return rate if rate.startswith("C") else f"learning rate {rate}"


def _errors(integers: LinearIntegers) -> list[str]:
    """Custom errors that the generated file itself raises."""
    names: set[str] = {
        "ValueNotRepresentable",
        *wire_errors(integers.encoding, integers.plan is not None),
    }
    plan, rule = integers.plan, integers.rule
    if plan is None or rule is None:
        return sorted(names | {"ModelIsFrozen"})
    names |= {"ClassOutOfRange", "LaneOverflow"}
    if plan.fit_intercept:
        names.add("InterceptOverflow")
    if rule.uses_norm:
        names.add("SquaredNormOutOfRange")
    if not integers.encoding.is_counts:
        names.add("FeatureValueOutOfRange")
    return sorted(names)
