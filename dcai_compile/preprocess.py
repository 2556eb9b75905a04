"""A fitted scikit-learn pipeline as client steps and a classifier, or a refusal by name.

A transformer is read by the function registered for exactly its type; scikit-learn's objects stop
here. What a step does is written down in `client_encoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from dcai_compile.client_encoder import (
    Add,
    Binarize,
    Block,
    Columns,
    Divide,
    Multiply,
    Normalize,
    OneHot,
    Ordinal,
    Project,
    Select,
    Step,
    Subtract,
)
from dcai_compile.client_encoder.step import plain
from dcai_compile.errors import NotFitted, UnsupportedStep

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
    """What a fitted transformer does, as client steps. Raises as `take_apart`."""
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return ()
    if type(transformer) not in _readers:
        raise _unsupported(transformer)
    try:
        check_is_fitted(transformer)
    except NotFittedError:
        name = type(transformer).__name__
        raise NotFitted(
            f"this {name} was never trained", hint="call .fit(X, y) on the pipeline", estimator=name
        ) from None
    return _readers[type(transformer)][1](transformer)


def _unsupported(transformer: Any) -> UnsupportedStep:
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


@register_transformer(StandardScaler, treatment=AFFINE)
def _standard(scaler: Any) -> tuple[Step, ...]:
    steps: list[Step] = []
    if scaler.with_mean:
        steps.append(Subtract(doubles(scaler, "mean_")))
    if scaler.with_std:
        steps.append(Divide(doubles(scaler, "scale_")))
    return tuple(steps)


@register_transformer(MinMaxScaler, treatment=AFFINE)
def _min_max(scaler: Any) -> tuple[Step, ...]:
    if scaler.clip:
        raise refused(scaler, "clip", "train with clip=False")
    return (Multiply(doubles(scaler, "scale_")), Add(doubles(scaler, "min_")))


@register_transformer(MaxAbsScaler, treatment=AFFINE)
def _max_abs(scaler: Any) -> tuple[Step, ...]:
    if getattr(scaler, "clip", False):
        raise refused(scaler, "clip", "train with clip=False")
    return (Divide(doubles(scaler, "scale_")),)


@register_transformer(RobustScaler, treatment=AFFINE)
def _robust(scaler: Any) -> tuple[Step, ...]:
    steps: list[Step] = []
    if scaler.with_centering:
        steps.append(Subtract(doubles(scaler, "center_")))
    if scaler.with_scaling:
        steps.append(Divide(doubles(scaler, "scale_")))
    return tuple(steps)


@register_transformer(Normalizer)
def _normalizer(normalizer: Any) -> tuple[Step, ...]:
    return (Normalize(str(normalizer.norm)),)


@register_transformer(Binarizer)
def _binarizer(binarizer: Any) -> tuple[Step, ...]:
    return (Binarize(float(binarizer.threshold)),)


@register_transformer(
    SelectKBest,
    SelectPercentile,
    SelectFpr,
    SelectFdr,
    SelectFwe,
    GenericUnivariateSelect,
    SelectFromModel,
    SequentialFeatureSelector,
    VarianceThreshold,
    RFE,
    RFECV,
    treatment="folded into frozen linear models, else done by the client; featureIndices where it is last",
)
def _selector(selector: Any) -> tuple[Step, ...]:
    indices = selector.get_support(indices=True).tolist()
    if not indices:
        name = type(selector).__name__
        raise UnsupportedStep(
            f"this {name} has selected no feature",
            hint="train with a selector that keeps at least one",
            estimator=name,
            setting="get_support()",
        )
    return (Select(tuple(int(index) for index in indices)),)


@register_transformer(PCA, treatment=AFFINE)
def _pca(pca: Any) -> tuple[Step, ...]:
    # scikit-learn projects first and subtracts the projected mean then.
    doubles(pca, "components_")
    mean = np.asarray(pca.mean_, np.float64).reshape(1, -1) @ pca.components_.T
    steps: list[Step] = [_projection(pca.components_), Subtract(tuple(mean.ravel().tolist()))]
    if pca.whiten:
        scale = np.sqrt(pca.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
        steps.append(Divide(tuple(scale.tolist())))
    return tuple(steps)


@register_transformer(TruncatedSVD, treatment=AFFINE)
def _svd(svd: Any) -> tuple[Step, ...]:
    doubles(svd, "components_")
    return (_projection(svd.components_),)


def _projection(components: Any) -> Step:
    return Project(tuple(tuple(row) for row in np.asarray(components).T.tolist()))


@register_transformer(OneHotEncoder)
def _one_hot(encoder: Any) -> tuple[Step, ...]:
    if encoder.min_frequency is not None or encoder.max_categories is not None:
        setting = "min_frequency" if encoder.min_frequency is not None else "max_categories"
        raise refused(encoder, setting, "train with every category on its own")
    if encoder.handle_unknown not in ("error", "ignore"):
        raise refused(encoder, "handle_unknown", "train with handle_unknown='error' or 'ignore'")
    categories = _categories(encoder)
    drop: tuple[int | None, ...] = (None,) * len(categories)
    if encoder.drop_idx_ is not None:
        drop = tuple(None if index is None else int(index) for index in encoder.drop_idx_)
    return (OneHot(categories, drop, str(encoder.handle_unknown)),)


@register_transformer(OrdinalEncoder)
def _ordinal(encoder: Any) -> tuple[Step, ...]:
    if encoder.handle_unknown != "error":
        raise refused(encoder, "handle_unknown", "train with handle_unknown='error'")
    if encoder.min_frequency is not None or encoder.max_categories is not None:
        setting = "min_frequency" if encoder.min_frequency is not None else "max_categories"
        raise refused(encoder, setting, "train with every category on its own")
    return (Ordinal(_categories(encoder)),)


def _categories(encoder: Any) -> tuple[tuple[Any, ...], ...]:
    found = tuple(tuple(plain(value) for value in values) for values in encoder.categories_)
    for column, values in enumerate(found):
        for value in values:
            if not isinstance(value, str | int | float | bool) or value != value:
                name = type(encoder).__name__
                raise UnsupportedStep(
                    f"{name}: category {value!r} of column {column} cannot be written down",
                    hint="use text, numbers or booleans, and no missing values",
                    estimator=name,
                    setting=f"categories_[{column}]",
                )
    return found


@register_transformer(ColumnTransformer, treatment="each part as above, side by side")
def _column_transformer(transformer: Any) -> tuple[Step, ...]:
    blocks = []
    places = transformer._transformer_to_input_indices
    weights = transformer.transformer_weights or {}
    for name, part, columns in transformer.transformers_:
        indices = tuple(int(index) for index in places.get(name, ()))
        if (isinstance(part, str) and part == "drop") or not indices:
            continue
        identity = type(part) is FunctionTransformer and part.func is None
        steps = () if identity else _inner_steps(part)
        single = np.isscalar(columns) and bool(steps) and steps[0].takes_text
        blocks.append(Block(indices, single, (*steps, *_weight(transformer, name, weights))))
    if not blocks:
        raise _unsupported(transformer)
    return (Columns(tuple(blocks), bool(transformer.sparse_output_)),)


@register_transformer(FeatureUnion, treatment="each part as above, side by side")
def _union(union: Any) -> tuple[Step, ...]:
    blocks = []
    weights = union.transformer_weights or {}
    for name, part in union.transformer_list:
        if isinstance(part, str) and part == "drop":
            continue
        identity = type(part) is FunctionTransformer and part.func is None
        steps = () if identity else _inner_steps(part)
        texts = bool(steps) and steps[0].takes_text
        columns = () if texts else tuple(range(int(part.n_features_in_)))
        blocks.append(Block(columns, texts, (*steps, *_weight(union, name, weights))))
    is_sparse = any(_gives_sparse(block) for block in blocks)
    return (Columns(tuple(blocks), is_sparse),)


def _inner_steps(part: Any) -> tuple[Step, ...]:
    """Steps of a transformer, or of a pipeline of transformers."""
    if type(part) is Pipeline:
        return tuple(step for _, inner in part.steps for step in client_steps(inner))
    return client_steps(part)


def _weight(owner: Any, name: str, weights: dict[str, float]) -> tuple[Step, ...]:
    if weights.get(name, 1.0) == 1.0:
        return ()
    raise refused(
        owner, "transformer_weights", "scale the part with a scaler, or leave weights out"
    )


def _gives_sparse(block: Block) -> bool:
    return bool(block.steps) and block.steps[-1].gives_sparse


# Text has its own file; it registers itself here.
from dcai_compile import preprocess_text  # noqa: E402, F401
