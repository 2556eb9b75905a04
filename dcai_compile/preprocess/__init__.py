"""A fitted scikit-learn pipeline as client steps and a classifier, or a refusal by name.

A transformer is read by the function registered for exactly its type; scikit-learn's objects stop
here. What a step does is written down in `client_encoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from dcai_compile.client_encoder import Step
from dcai_compile.errors import NotFitted, UnsupportedStep
from dcai_compile.family import Refusal

Reader: TypeAlias = Callable[[Any], tuple[Step, ...]]


@dataclass(frozen=True)
class Transformer:
    """A transformer that a pipeline may have: type name, module, and what is done with it in words."""

    name: str
    module: str
    treatment: str


@dataclass(frozen=True)
class Split:
    """A pipeline taken apart.

    Attributes
    ----------
    estimator : the classifier at its end.
    steps : all preprocessing before it, in order.
    n_inputs : columns of raw input; 0 for one text a sample.
    """

    estimator: Any
    steps: tuple[Step, ...]
    n_inputs: int


_readers: dict[type, tuple[Transformer, Reader]] = {}

AFFINE = "folded into frozen linear models, else done by the client"
CLIENT = "done by the client"


def register_transformer(*types: type, treatment: str = CLIENT) -> Callable[[Reader], Reader]:
    """Declare that the decorated function reads fitted transformers of exactly these types."""

    def declare(reader: Reader) -> Reader:
        for kind in types:
            _readers[kind] = (Transformer(kind.__name__, kind.__module__, treatment), reader)
        return reader

    return declare


REFUSALS = (
    Refusal(
        "FunctionTransformer, imputers, KBinsDiscretizer, PolynomialFeatures and any other transformer, "
        "and subclasses",
        "a client could not repeat it from its parameters",
        "do it to the raw samples, before the pipeline",
    ),
    Refusal(
        "MinMaxScaler and MaxAbsScaler with clip=True", "no step of a client clips", "clip=False"
    ),
    Refusal(
        "vectorizers with a function as analyzer, tokenizer, preprocessor or strip_accents",
        "a function cannot be written down",
        "analyzer='word' with a token_pattern, 'char' or 'char_wb'",
    ),
    Refusal(
        "OneHotEncoder and OrdinalEncoder with min_frequency or max_categories; OrdinalEncoder with "
        "unknown values",
        "a category stands for itself alone",
        "every category on its own, handle_unknown='error'",
    ),
    Refusal(
        "transformers trained in single precision",
        "a client computes in doubles",
        "float64 samples",
    ),
)


def supported_transformers() -> tuple[Transformer, ...]:
    """Everything that may stand before a classifier, by name."""
    return tuple(sorted((entry for entry, _ in _readers.values()), key=lambda entry: entry.name))


def take_apart(estimator: Any) -> Split:
    """A fitted `Pipeline` as steps and its classifier; any other estimator as it is.

    Raises `UnsupportedStep` naming the transformer, or its setting, that no client can repeat, and
    `NotFitted`.
    """
    if type(estimator) is not Pipeline:
        return Split(estimator, (), 0)
    steps = tuple(step for _, part in estimator.steps[:-1] for step in client_steps(part))
    inner = take_apart(estimator.steps[-1][1])
    first = steps[0] if steps else None
    texts = first is not None and first.takes_text
    n_inputs = 0 if texts else _n_inputs(estimator, inner)
    return Split(inner.estimator, (*steps, *inner.steps), n_inputs)


def _n_inputs(pipeline: Pipeline, inner: Split) -> int:
    for _, part in pipeline.steps:
        if part is not None and part != "passthrough":
            return int(getattr(part, "n_features_in_", inner.n_inputs))
    return inner.n_inputs


def client_steps(transformer: Any) -> tuple[Step, ...]:
    """What a fitted transformer, or a pipeline of them, does, as client steps. Raises as `take_apart`."""
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return ()
    if type(transformer) is Pipeline:
        return tuple(step for _, part in transformer.steps for step in client_steps(part))
    if type(transformer) not in _readers:
        raise unsupported(transformer)
    try:
        check_is_fitted(transformer)
    except NotFittedError:
        name = type(transformer).__name__
        raise NotFitted(
            f"this {name} was never trained", hint="call .fit(X, y) on the pipeline", estimator=name
        ) from None
    return _readers[type(transformer)][1](transformer)


def unsupported(transformer: Any) -> UnsupportedStep:
    """The refusal of a transformer that nobody registered."""
    name = type(transformer).__name__
    known = ", ".join(entry.name for entry in supported_transformers())
    return UnsupportedStep(
        f"a client cannot repeat {name} from its parameters",
        hint="do it before the pipeline, to the raw samples, and train without it, or use one of "
        f"{known}",
        estimator=name,
        setting=name,
    )


def refused(transformer: Any, setting: str, hint: str) -> UnsupportedStep:
    """The refusal of one setting of a supported transformer."""
    name = type(transformer).__name__
    value = getattr(transformer, setting)
    return UnsupportedStep(
        f"{name}({setting}={value!r}) cannot be handed to a client",
        hint=hint,
        estimator=name,
        setting=f"{setting}={value!r}",
    )


def doubles(transformer: Any, attribute: str) -> tuple[float, ...]:
    """A fitted vector as doubles; refuses one that computes in single precision."""
    values = np.asarray(getattr(transformer, attribute))
    if values.dtype == np.float32:
        name = type(transformer).__name__
        raise UnsupportedStep(
            f"{name}.{attribute} is float32, and a client computes in doubles",
            hint="train the pipeline on float64 samples: X.astype(float)",
            estimator=name,
            setting=attribute,
        )
    return tuple(values.astype(np.float64).ravel().tolist())


# These register themselves when they are imported, with the functions above.
from dcai_compile.preprocess import categories, columns, numeric, text  # noqa: E402, F401
