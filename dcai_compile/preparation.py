"""A pipeline as one `Model`: preprocessing folded into the parameters, or handed to the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dcai_compile.client_encoder import ClientEncoder, Select, Step
from dcai_compile.client_encoder.step import width_after
from dcai_compile.families import extract, family_of
from dcai_compile.model import Model, Options
from dcai_compile.preprocess import Split, take_apart


def prepare(estimator: Any, options: Options) -> Model:
    """The `Model` of a fitted classifier, of a Pipeline that ends in one, or of DCAI's JSON.

    Of the preprocessing as much as possible is folded into the parameters, from the end of the
    pipeline on, where the family can do so without changing what an update does; what is left the
    client does, before whatever the classifier itself asks of it.
    Raises as `families.extract`, and `UnsupportedStep` for preprocessing that nobody can do.
    """
    if isinstance(estimator, Mapping):
        return extract(estimator, options)
    parts = take_apart(estimator)
    model = extract(parts.estimator, options)
    if not parts.steps:
        return model
    if model.client is None:
        for place in range(len(parts.steps)):
            folded = _folded(model, parts, place)
            if folded is not None:
                return folded
    own = model.client.steps if model.client else ()
    n_features = model.client.n_features if model.client else model.n_features
    client = ClientEncoder((*parts.steps, *own), parts.n_inputs, n_features)
    return replace(model, client=client, feature_indices=_selected(parts.steps))


def _folded(model: Model, parts: Split, place: int) -> Model | None:
    """`model` with the steps from `place` on folded in and the rest for the client, if that can be."""
    client, behind = parts.steps[:place], parts.steps[place:]
    width = width_after(client, parts.n_inputs)
    if width == 0:
        return None  # texts
    if client and width > model.n_features:
        return None  # a selector behind a vocabulary: the contract need not know what it leaves out
    folded = family_of(model.family).fold(model, ClientEncoder(behind, width, model.n_features))
    if folded is None or not client:
        return folded
    return replace(folded, client=ClientEncoder(client, parts.n_inputs, width))


def _selected(steps: tuple[Step, ...]) -> tuple[int, ...]:
    """The values of a shared encoder that the features are, where a selector comes last."""
    last = steps[-1]
    return tuple(last.indices) if isinstance(last, Select) else ()
