"""Transformers of some columns, side by side, as one client step."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer

from dcai_compile.client_encoder import Block, Columns, Step
from dcai_compile.preprocess import client_steps, refused, register_transformer, unsupported


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
        steps = () if identity else client_steps(part)
        single = np.isscalar(columns) and bool(steps) and steps[0].takes_text
        blocks.append(Block(indices, single, (*steps, *_weight(transformer, name, weights))))
    if not blocks:
        raise unsupported(transformer)
    return (Columns(tuple(blocks), bool(transformer.sparse_output_)),)


@register_transformer(FeatureUnion, treatment="each part as above, side by side")
def _union(union: Any) -> tuple[Step, ...]:
    blocks = []
    weights = union.transformer_weights or {}
    for name, part in union.transformer_list:
        if isinstance(part, str) and part == "drop":
            continue
        identity = type(part) is FunctionTransformer and part.func is None
        steps = () if identity else client_steps(part)
        texts = bool(steps) and steps[0].takes_text
        columns = () if texts else tuple(range(int(part.n_features_in_)))
        blocks.append(Block(columns, texts, (*steps, *_weight(union, name, weights))))
    is_sparse = any(_gives_sparse(block) for block in blocks)
    return (Columns(tuple(blocks), is_sparse),)


def _weight(owner: Any, name: str, weights: dict[str, float]) -> tuple[Step, ...]:
    if weights.get(name, 1.0) == 1.0:
        return ()
    raise refused(
        owner, "transformer_weights", "scale the part with a scaler, or leave weights out"
    )


def _gives_sparse(block: Block) -> bool:
    return bool(block.steps) and block.steps[-1].gives_sparse
