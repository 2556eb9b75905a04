"""Encoders of categories as client steps."""

from __future__ import annotations

from typing import Any

from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from dcai_compile.client_encoder import OneHot, Ordinal, Step
from dcai_compile.client_encoder.step import plain
from dcai_compile.errors import UnsupportedStep
from dcai_compile.preprocess import refused, register_transformer


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
