"""Scalers, selectors and projections as client steps."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, TruncatedSVD
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
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from dcai_compile.client_encoder import (
    Add,
    Binarize,
    Divide,
    Multiply,
    Normalize,
    Project,
    Select,
    Step,
    Subtract,
)
from dcai_compile.errors import UnsupportedStep
from dcai_compile.preprocess import AFFINE, doubles, refused, register_transformer


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
    # scikit-learn projects first and subtracts the projected mean then. Added up by fsum: what is
    # published must not depend on a machine's order of addition.
    doubles(pca, "components_")
    center = np.asarray(pca.mean_, np.float64).tolist()
    means = [
        fsum(m * w for m, w in zip(center, row, strict=True)) for row in pca.components_.tolist()
    ]
    steps: list[Step] = [_projection(pca.components_), Subtract(tuple(means))]
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
