"""What every extractor reads of a fitted estimator."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.errors import InvalidOption, ModelNotFinite, UnsupportedModel
from dcai_compile.model import ClassLabel, Options


def check_counting_update(name: str, options: Options) -> None:
    """Adding up samples is the only step of a model that counts. Raises `InvalidOption`."""
    if options.update not in ("auto", "frozen"):
        raise InvalidOption(
            f"update={options.update!r} is not how {name} learns",
            hint="pass update='auto' to count every sample that is taught, or update='frozen'",
            option="update",
            value=options.update,
        )
    if options.learning_rate is not None:
        raise InvalidOption(
            f"{name} has no learning rate, and learning_rate={options.learning_rate!r} was given",
            hint="leave learning_rate out",
            option="learning_rate",
            value=options.learning_rate,
        )


def class_label(label: Any) -> ClassLabel:
    """A class label as a plain value that JSON can carry."""
    value = label.item() if isinstance(label, np.generic) else label
    if not isinstance(value, str | int | float | bool) or value != value:
        raise UnsupportedModel(
            f"class label {value!r} is a {type(value).__name__}",
            hint="train with labels that are text, numbers or booleans",
        )
    return value


def check_finite(parameter: str, values: NDArray[Any]) -> None:
    """Refuse NaN and infinity with `ModelNotFinite`."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        value = float(values[index])
        raise ModelNotFinite(
            f"{parameter}{list(index)} is {value!r}",
            hint="train the model again; scaled features (StandardScaler) avoid overflow",
            parameter=parameter,
            index=index,
            value=value,
        )


def settings_of(estimator: Any) -> dict[str, str]:
    """Parameters that differ from the default and are plain values, as Python literals."""
    defaults = type(estimator)().get_params(deep=False)
    settings = {}
    for name, value in sorted(estimator.get_params(deep=False).items()):
        literal = repr(value.item() if isinstance(value, np.generic) else value)
        if literal == repr(defaults[name]):
            continue
        try:
            ast.literal_eval(literal)
        except (SyntaxError, ValueError):
            continue  # an object, a function, an array: never part of how the model predicts
        settings[name] = literal
    return settings
