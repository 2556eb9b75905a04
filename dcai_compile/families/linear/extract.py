"""The ways in which scikit-learn 1.9, and DCAI's JSON, keep a linear classifier."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC

from dcai_compile.errors import (
    InputInvalid,
    InvalidOption,
    UnsupportedModel,
    UnsupportedStep,
)
from dcai_compile.families import register, register_document
from dcai_compile.families.fitted import check_finite, class_label, settings_of
from dcai_compile.families.linear.family import LINEAR
from dcai_compile.families.linear.integers import LinearModel, StepRequest
from dcai_compile.families.linear.steps import RULES
from dcai_compile.model import Options

DEFAULT_EPSILON = 0.1
"""scikit-learn's `epsilon` of SGDClassifier."""

DEFAULT_LEARNING_RATES = {"perceptron": 1.0, "pa1": 1.0, "pa2": 1.0}
"""scikit-learn's `eta0` (`C` for pa1, pa2) where the estimator has none; 0.01 for the others."""

DCAI_LEARNING_RATE = 0.5
"""What DCAI assumes where a model file has no `learningRate`."""

NO_STEP = "none: name one with update=, or update='frozen'"

STATELESS = (
    LogisticRegression,
    LogisticRegressionCV,
    LinearSVC,
    RidgeClassifier,
    RidgeClassifierCV,
    LinearDiscriminantAnalysis,
)


@register(*STATELESS, family=LINEAR, step=NO_STEP)
def extract_stateless(estimator: Any, options: Options) -> LinearModel:
    """Estimators that are trained in one go and have no step of their own."""
    step = _named_step(estimator, options)
    if options.update == "auto":
        name = type(estimator).__name__
        raise UnsupportedStep(
            f"{name} has no training step of its own",
            hint="pass update='frozen' for a contract that never learns, or the step it should "
            f"make, one of {', '.join(RULES)}",
            estimator=name,
            setting="update='auto'",
        )
    return _model(estimator, step)


@register(SGDClassifier, family=LINEAR, step="its loss, with a constant rate and no penalty")
def extract_sgd(estimator: Any, options: Options) -> LinearModel:
    """SGDClassifier with any loss; its own step where it is constant, pa1 or pa2 and has no penalty."""
    if options.update != "auto":
        return _model(estimator, _named_step(estimator, options))
    schedule = estimator.learning_rate
    rule = schedule if schedule in ("pa1", "pa2") else estimator.loss
    if rule in ("pa1", "pa2") and estimator.loss != "hinge":
        raise _refused(estimator, "loss", rule)
    if schedule not in ("constant", "pa1", "pa2"):
        raise _refused(estimator, "learning_rate", rule)
    return _model(estimator, _own_step(estimator, options, rule, estimator.eta0, estimator.epsilon))


@register(Perceptron, family=LINEAR, step="perceptron")
def extract_perceptron(estimator: Any, options: Options) -> LinearModel:
    """Perceptron; its own step where it has no penalty."""
    if options.update != "auto":
        return _model(estimator, _named_step(estimator, options))
    return _model(
        estimator, _own_step(estimator, options, "perceptron", estimator.eta0, DEFAULT_EPSILON)
    )


@register(PassiveAggressiveClassifier, family=LINEAR, step="pa1 (loss='hinge') or pa2")
def extract_passive_aggressive(estimator: Any, options: Options) -> LinearModel:
    """PassiveAggressiveClassifier, deprecated in scikit-learn 1.8 for SGDClassifier's pa1 and pa2."""
    if options.update != "auto":
        return _model(estimator, _named_step(estimator, options))
    rule = "pa1" if estimator.loss == "hinge" else "pa2"
    return _model(estimator, _own_step(estimator, options, rule, estimator.C, DEFAULT_EPSILON))


@register_document(
    "perceptron", "dense perceptron", "sparse perceptron", family=LINEAR, step="perceptron"
)
def extract_dcai(document: Mapping[str, Any], options: Options) -> LinearModel:
    """DCAI's own model JSON: the same numbers as a scikit-learn Perceptron."""
    try:
        names = tuple(str(name) for name in document["classifications"])
        weights = [float(weight) for weight in document["weights"]]
        sparse_weights = {int(i): float(w) for i, w in document.get("sparseWeights", {}).items()}
        intercept = float(document.get("intercept", document.get("bias", 0.0)))
        rate = float(document.get("learningRate", DCAI_LEARNING_RATE))
        indices = tuple(int(index) for index in document.get("featureIndices", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise InputInvalid(
            f"DCAI model JSON is damaged: {type(error).__name__}: {error}",
            hint="it needs 'classifications' (two names) and 'weights' (numbers)",
        ) from None
    if len(names) != 2 or names[0] == names[1]:
        raise InputInvalid(
            f"a DCAI perceptron has two different classes, this one has {list(names)!r}",
            hint="give two names in 'classifications'",
        )
    if sparse_weights:
        if min(sparse_weights) < 0:
            raise InputInvalid(
                f"sparseWeights has the index {min(sparse_weights)}", hint="indices start at 0"
            )
        weights += [0.0] * (max(sparse_weights) + 1 - len(weights))
        for index, weight in sparse_weights.items():
            weights[index] = weight
    if indices and len(indices) != len(weights):
        raise InputInvalid(
            f"{len(indices)} featureIndices for {len(weights)} weights",
            hint="give one feature index a weight, or none",
        )
    rule = "perceptron" if options.update == "auto" else options.update
    step = None
    if rule != "frozen":
        _check_rule(rule)
        chosen = options.learning_rate if options.learning_rate is not None else rate
        step = StepRequest(rule, chosen, DEFAULT_EPSILON, True)
    coef = np.array([weights], np.float64)
    bias = np.array([intercept], np.float64)
    check_finite("weights", coef)
    check_finite("intercept", bias)
    return LinearModel(
        family=LINEAR.name,
        estimator="Perceptron",
        settings={"eta0": repr(rate)} if rate != 1.0 else {},
        library=f"DCAI model JSON ({document['type']})",
        classes=names,
        n_features=len(weights),
        feature_indices=indices,
        coef=coef,
        intercept=bias,
        dtype="float64",
        step=step,
    )


def restore(model: LinearModel, coef: NDArray[np.float64], intercept: NDArray[np.float64]) -> Any:
    """A scikit-learn estimator of the model's type with these parameters, shapes as in `LinearModel`."""
    kinds = {kind.__name__: kind for kind in (*STATELESS, SGDClassifier, Perceptron)}
    kinds[PassiveAggressiveClassifier.__name__] = PassiveAggressiveClassifier
    estimator = kinds[model.estimator](
        **{name: ast.literal_eval(value) for name, value in model.settings.items()}
    )
    estimator.coef_ = np.array(coef, dtype=model.dtype)
    estimator.intercept_ = np.array(intercept, dtype=model.dtype)
    estimator.n_features_in_ = int(estimator.coef_.shape[1])
    labels = np.array(model.classes)
    estimator.classes_ = labels
    if isinstance(estimator, RidgeClassifier | RidgeClassifierCV):
        # The ridge classifiers ask their label binarizer whether they decide several labels.
        estimator._label_binarizer = LabelBinarizer(pos_label=1, neg_label=-1).fit(labels)
    return estimator


def _model(estimator: Any, step: StepRequest | None) -> LinearModel:
    name = type(estimator).__name__
    binarizer = getattr(estimator, "_label_binarizer", None)
    if str(getattr(binarizer, "y_type_", "")).startswith("multilabel"):
        raise UnsupportedModel(
            f"this {name} decides several labels at once",
            hint="train one classifier a label",
            estimator=name,
        )
    raw = estimator.coef_.toarray() if sparse.issparse(estimator.coef_) else estimator.coef_
    coef = np.atleast_2d(np.asarray(raw))
    rows = coef.shape[0]
    intercept = np.broadcast_to(np.asarray(estimator.intercept_, coef.dtype).ravel(), (rows,))
    classes = tuple(class_label(label) for label in estimator.classes_)
    if rows != (1 if len(classes) == 2 else len(classes)):
        raise UnsupportedModel(
            f"{name} has {len(classes)} classes and {rows} rows of coefficients",
            hint="a linear classifier has one row for two classes, else one a class",
            estimator=name,
        )
    check_finite("coef_", coef)
    check_finite("intercept_", intercept)
    return LinearModel(
        family=LINEAR.name,
        estimator=name,
        settings=settings_of(estimator),
        library=f"scikit-learn {sklearn.__version__}",
        classes=classes,
        n_features=int(coef.shape[1]),
        coef=coef.astype(np.float64),
        intercept=intercept.astype(np.float64),
        dtype="float32" if coef.dtype == np.float32 else "float64",
        step=step,
    )


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise InvalidOption(
            f"update={rule!r} is not a training step",
            hint=f"choose 'auto', 'frozen' or one of {', '.join(RULES)}",
            option="update",
            value=rule,
        )


def _named_step(estimator: Any, options: Options) -> StepRequest | None:
    """The step that the option `update` names; None for ``"frozen"`` and for ``"auto"``."""
    if options.update in ("frozen", "auto"):
        return None
    _check_rule(options.update)
    rate = options.learning_rate
    if rate is None:
        rate = DEFAULT_LEARNING_RATES.get(options.update, 0.01)
    epsilon = float(getattr(estimator, "epsilon", DEFAULT_EPSILON))
    return StepRequest(
        options.update, float(rate), epsilon, bool(getattr(estimator, "fit_intercept", True))
    )


def _own_step(
    estimator: Any, options: Options, rule: str, rate: float, epsilon: float
) -> StepRequest:
    """The estimator's own step, or a refusal that names the setting which has no twin on chain."""
    if estimator.penalty is not None and getattr(estimator, "alpha", 0.0) != 0.0:
        raise _refused(estimator, "penalty", rule)
    for setting, harmless in (
        ("average", False),
        ("class_weight", None),
        ("early_stopping", False),
    ):
        value = getattr(estimator, setting)
        if value != harmless:
            raise _refused(estimator, setting, rule)
    rate = float(rate if options.learning_rate is None else options.learning_rate)
    return StepRequest(rule, rate, float(epsilon), bool(estimator.fit_intercept))


def _refused(estimator: Any, setting: str, rule: str) -> UnsupportedStep:
    name = type(estimator).__name__
    value = getattr(estimator, setting)
    return UnsupportedStep(
        f"{name}({setting}={value!r}) trains with a step that the contract does not reproduce",
        hint=f"pass update={rule!r} (a constant learning_rate=, no penalty, every class and sample "
        "alike) to teach it that way from here on, or update='frozen'",
        estimator=name,
        setting=f"{setting}={value!r}",
    )
