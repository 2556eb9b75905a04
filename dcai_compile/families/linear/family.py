"""The linear family behind the interface that the rest of the compiler knows."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from math import fsum, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.client_encoder import ClientEncoder
from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.errors import CompilerPanic, OverflowPossible
from dcai_compile.exact import max_abs
from dcai_compile.families import register_family
from dcai_compile.families.linear.bounds import float_errors, folded_errors, score_errors
from dcai_compile.families.linear.grid import Grid, choose_grid, rounding_of
from dcai_compile.families.linear.integers import LinearIntegers, LinearModel, StepRequest
from dcai_compile.families.linear.mirror import LinearMirror
from dcai_compile.families.linear.plan import (
    INTERCEPT_BITS,
    STEP_BITS,
    Calibration,
    StepPlan,
    delta_unit,
    intercept_decay,
    plan_step,
)
from dcai_compile.families.linear.steps import RULES
from dcai_compile.families.linear.unfolded import Unfolded
from dcai_compile.family import Family, LearningCheck, Refusal
from dcai_compile.folding import fold
from dcai_compile.model import (
    Arrays,
    Facts,
    IntegerModel,
    Mirror,
    Model,
    Options,
    model_facts,
)
from dcai_compile.tables import CodeTable, DeltaTable, StorageTable

UNFOLDED = ("coef", "intercept", "abs_coef", "abs_intercept")
"""Arrays of `Unfolded`."""

MAX_SCORE_BITS = 157
"""A score times the 98-bit mantissa of its unit must stay inside int256."""


def _calibrate(model: LinearModel, X: Any, encoding: Encoding) -> Calibration:
    """Sizes of the calibration samples, for the proof that no update overflows."""
    wire = encoding.matrix(encoding.encode(X))
    doubles = abs(wire.astype(np.float64))
    squares = np.asarray((doubles * doubles).sum(axis=1)).ravel()
    columns = np.asarray((doubles * doubles).mean(axis=0)).ravel()
    used = columns[columns > 0]
    decay = float(intercept_decay(encoding))
    # Summed by fsum: what is published must not depend on a machine's order of summation.
    norms = [
        sqrt(fsum([*(w * w for w in weights), b * b / decay]))
        for weights, b in zip(model.coef.tolist(), model.intercept.tolist(), strict=True)
    ]
    values = wire.data if sparse.issparse(wire) else wire
    return Calibration(
        max_value=max_abs(values),
        typical_value=sqrt(fsum(used.tolist()) / len(used)) if len(used) else 1.0,
        max_squared_norm=int(squares.max() * (1.0 + 1e-9)) + 1,
        min_squared_norm=int(squares.min() * (1.0 - 1e-9)),
        weight_norm=max(norms),
    )


class LinearFamily(Family):
    """Linear classifiers."""

    name = "linear"
    template = "linear.sol.j2"

    refusals = (
        Refusal(
            "SGDClassifier with a learning_rate that changes, a penalty, average, class_weight or "
            "early_stopping; Perceptron with a penalty",
            "the contract's step is constant and knows one sample",
            "update= with the step to make from here on, or update='frozen'",
        ),
        Refusal(
            "RidgeClassifier and RidgeClassifierCV of several labels at once",
            "a contract answers one class",
            "one classifier a label",
        ),
    )

    def fold(self, model: Model, before: ClientEncoder) -> Model | None:
        assert isinstance(model, LinearModel)
        if model.step is not None or model.dtype != "float64":
            return None  # a step moves the weights of the prepared features, not of the raw ones
        folded = fold(before.steps, before.n_inputs, model.coef, model.intercept)
        if folded is None:
            return None
        return replace(
            model,
            coef=folded.coef,
            intercept=folded.intercept,
            n_features=before.n_inputs,
            folded=before,
            dtype="float64",
            unfolded=Unfolded(
                model.coef,
                model.intercept,
                folded.abs_coef,
                folded.abs_intercept,
                folded.depth,
            ),
        )

    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> LinearIntegers:
        assert isinstance(model, LinearModel)
        plan, unit = None, None
        if model.step:
            rule = RULES[model.step.rule]
            plan = plan_step(
                rule,
                encoding,
                _calibrate(model, X, encoding),
                learning_rate=model.step.learning_rate,
                epsilon=model.step.epsilon,
                fit_intercept=model.step.fit_intercept,
                horizon=options.horizon,
                step_bits=STEP_BITS if options.step_bits == "auto" else int(options.step_bits),
            )
            unit = delta_unit(rule, plan.eta, plan.divisor, encoding)
        grid, bound = choose_grid(
            model.coef, model.intercept, X, encoding, unit, options.weight_bits
        )
        integers = LinearIntegers(model, encoding, bound, grid, plan)
        _check_ranges(integers)
        return integers

    def mirror(self, integers: IntegerModel) -> Mirror:
        return LinearMirror(_linear(integers))

    def code_table(self, integers: IntegerModel) -> CodeTable:
        linear = _linear(integers)
        grid, tiles = linear.grid, linear.tiles
        unit = grid.fine_unit * grid.factor_a
        if tiles is not None:
            return tiles.code_table(grid.weights, "weights", unit)
        weights = np.ascontiguousarray(grid.weights.T)
        return CodeTable(weights, grid.bits, "weights", "feature", (unit,) * weights.shape[1])

    def storage_tables(self, integers: IntegerModel) -> tuple[StorageTable | DeltaTable, ...]:
        linear = _linear(integers)
        if linear.plan is None:
            return ()
        return (
            StorageTable(
                "interceptDelta",
                linear.n_rows,
                INTERCEPT_BITS,
                "in which as many are proved safe",
                flagged=True,
            ),
            DeltaTable(
                linear.encoding.n_features,
                linear.n_rows,
                linear.plan.digits,
                not linear.encoding.is_sparse,
                False,
                f"in which {linear.plan.proved_updates} updates are proved safe",
                step=linear.plan.typical_step,
            ),
        )

    def context(self, integers: IntegerModel) -> Facts:
        from dcai_compile.families.linear.rows import linear_context

        return linear_context(_linear(integers))

    def error_bounds(
        self, integers: IntegerModel, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        linear = _linear(integers)
        model = linear.model
        rounding = rounding_of(linear.grid, model.coef, model.intercept, linear.encoding)
        ours = score_errors(linear.encoding, X, model.coef, rounding).max(axis=1)
        if model.unfolded:
            return np.asarray(ours), folded_errors(X, model.unfolded)
        narrow = model.dtype == "float32" or getattr(X, "dtype", None) == np.float32
        dtype = np.float32 if narrow else np.float64
        theirs = float_errors(X, model.coef, model.intercept, dtype).max(axis=1)
        return np.asarray(ours), np.asarray(theirs)

    def reference(self, model: Model, X: Matrix) -> tuple[NDArray[np.float64], NDArray[Any]]:
        from dcai_compile.families.linear.extract import restore

        assert isinstance(model, LinearModel)
        trained = model.unfolded or model
        estimator = restore(model, trained.coef, trained.intercept)
        scores = np.asarray(estimator.decision_function(X), np.float64)
        return scores.reshape(X.shape[0], -1), np.asarray(estimator.predict(X))

    def to_dcai(self, mirror: Mirror) -> Facts:
        linear = _linear(mirror.integers)
        if linear.n_rows > 1:
            return super().to_dcai(mirror)
        assert isinstance(mirror, LinearMirror)
        coef, intercept = mirror.real_parameters()
        document: Facts = {
            "type": f"{'sparse' if linear.encoding.is_sparse else 'dense'} perceptron",
            "classifications": [str(label) for label in linear.model.classes],
            "weights": coef[0].tolist(),
            "intercept": float(intercept[0]),
        }
        if linear.plan is not None:
            document["learningRate"] = linear.plan.eta
        if linear.model.feature_indices:
            document["featureIndices"] = list(linear.model.feature_indices)
        return document

    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        from dcai_compile.families.linear.learning import LinearLearningCheck

        linear = _linear(integers)
        return LinearLearningCheck(linear) if linear.plan else None

    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        linear = _linear(integers)
        model, grid = linear.model, linear.grid
        facts: Facts = {
            **model.facts(),
            "dtype": model.dtype,
            "depth": model.unfolded.depth if model.unfolded else 0,
            "step": asdict(model.step) if model.step else None,
            "bits": grid.bits,
            "factors": [str(grid.factor_a), str(grid.factor_e), str(grid.factor_k)],
            "fine_unit": str(grid.fine_unit),
            "intercepts": [str(b) for b in grid.intercepts],
            "bound": linear.bound,
            "plan": asdict(linear.plan) if linear.plan else None,
        }
        arrays = {"coef": model.coef, "intercept": model.intercept, "weights": grid.weights}
        if model.unfolded:
            arrays |= {f"unfolded_{name}": getattr(model.unfolded, name) for name in UNFOLDED}
        return facts, arrays

    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> LinearIntegers:
        model = LinearModel(
            **model_facts(facts, self.name),
            coef=arrays["coef"],
            intercept=arrays["intercept"],
            dtype=facts["dtype"],
            step=StepRequest(**facts["step"]) if facts["step"] else None,
            unfolded=_unfolded(facts, arrays),
        )
        factors = [int(factor) for factor in facts["factors"]]
        grid = Grid(
            arrays["weights"],
            facts["bits"],
            factors[0],
            factors[1],
            factors[2],
            Fraction(facts["fine_unit"]),
            tuple(int(b) for b in facts["intercepts"]),
        )
        plan = StepPlan(**facts["plan"]) if facts["plan"] else None
        return LinearIntegers(model, encoding, facts["bound"], grid, plan)


def _unfolded(facts: Facts, arrays: Arrays) -> Unfolded | None:
    if not facts["depth"]:
        return None
    coef, intercept, abs_coef, abs_intercept = (arrays[f"unfolded_{name}"] for name in UNFOLDED)
    return Unfolded(coef, intercept, abs_coef, abs_intercept, facts["depth"])


def _linear(integers: IntegerModel) -> LinearIntegers:
    if not isinstance(integers, LinearIntegers):
        raise CompilerPanic(f"{type(integers).__name__} is not a linear model")
    return integers


def _check_ranges(integers: LinearIntegers) -> None:
    """The template's unchecked sums rest on this: no score leaves int256, whatever the sample."""
    grid, encoding = integers.grid, integers.encoding
    lane = 1 << (integers.plan.lane_bits - 1) if integers.plan else 0
    weight = (1 << (grid.bits - 1)) * grid.factor_a + lane * grid.factor_e
    sample = encoding.max_length * (1 if encoding.is_counts else encoding.max_wire_value)
    offset = max(abs(b) for b in grid.intercepts) + (1 << (INTERCEPT_BITS - 1))
    if (grid.factor_k * weight * sample + offset).bit_length() > 250:
        raise _too_large("a score could leave int256")
    if integers.plan is not None and not encoding.is_counts:
        sample = encoding.max_length * integers.plan.max_value
    if integers.plan and (weight * grid.factor_k * sample + offset).bit_length() > MAX_SCORE_BITS:
        raise _too_large("a score could be too large for the training step")


def _too_large(what: str) -> OverflowPossible:
    return OverflowPossible(
        f"with these weights and samples {what}",
        hint="scale the features (StandardScaler), pass a smaller horizon, or update='frozen'",
    )


LINEAR = register_family(LinearFamily())
