"""The one place where estimators are dispatched over: exact type to extractor.

A family file declares what it supports beside the extractor that does it:

    @register(LogisticRegression, family=LINEAR, step="none")
    def extract_logistic(estimator, options): ...

An unregistered type, a subclass included, is refused with the list of what is supported: a
subclass may change what `predict` does. Third parties register theirs the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from dcai_compile.errors import InputInvalid, InvalidOption, NotFitted, UnsupportedModel
from dcai_compile.family import Family, Refusal
from dcai_compile.model import Model, Options

Extractor: TypeAlias = Callable[[Any, Options], Model]


@dataclass(frozen=True)
class Supported:
    """One supported estimator type, or one type of DCAI's model JSON.

    Attributes
    ----------
    name : type name, or the JSON's ``type``.
    module : where the type is defined; empty for JSON.
    family : name of its family.
    step : its own training step, in words.
    """

    name: str
    module: str
    family: str
    step: str


_families: dict[str, Family] = {}
_extractors: dict[type, tuple[Supported, Extractor]] = {}
_documents: dict[str, tuple[Supported, Extractor]] = {}


def register_family(family: Family) -> Family:
    """Make a family known by its name; the name must be new."""
    if family.name in _families:
        raise InvalidOption(
            f"a family named {family.name!r} is registered already",
            hint="choose another name",
            option="family",
            value=family.name,
        )
    _families[family.name] = family
    return family


def register(*types: type, family: Family, step: str) -> Callable[[Extractor], Extractor]:
    """Declare that the decorated extractor handles exactly these types."""

    def declare(extractor: Extractor) -> Extractor:
        for kind in types:
            entry = Supported(kind.__name__, kind.__module__, family.name, step)
            _extractors[kind] = (entry, extractor)
        return extractor

    return declare


def register_document(*types: str, family: Family, step: str) -> Callable[[Extractor], Extractor]:
    """Declare that the decorated extractor reads DCAI's model JSON of these types."""

    def declare(extractor: Extractor) -> Extractor:
        for kind in types:
            _documents[kind] = (Supported(kind, "", family.name, step), extractor)
        return extractor

    return declare


def family_of(name: str) -> Family:
    """The registered family of that name."""
    try:
        return _families[name]
    except KeyError:
        raise UnsupportedModel(
            f"no model family is named {name!r}",
            hint=f"registered families: {', '.join(sorted(_families))}",
        ) from None


def families() -> tuple[Family, ...]:
    """All registered families, by name."""
    return tuple(_families[name] for name in sorted(_families))


def supported_estimators() -> tuple[Supported, ...]:
    """Everything that can be compiled, estimators first, each group by name."""
    estimators = sorted((entry for entry, _ in _extractors.values()), key=lambda entry: entry.name)
    documents = sorted((entry for entry, _ in _documents.values()), key=lambda entry: entry.name)
    return (*estimators, *documents)


def refusals() -> tuple[Refusal, ...]:
    """What the families refuse by name, family by family."""
    return tuple(refusal for family in families() for refusal in family.refusals)


def extract(estimator: Any, options: Options) -> Model:
    """The `Model` of a fitted estimator, or of DCAI's model JSON as a dict.

    Raises `UnsupportedModel`, `NotFitted`, `UnsupportedStep`, `ModelNotFinite`.
    """
    if isinstance(estimator, Mapping):
        return _extract_document(estimator, options)
    if type(estimator) not in _extractors:
        raise _unsupported(estimator)
    _check_fitted(estimator)
    return _extractors[type(estimator)][1](estimator, options)


def _extract_document(document: Mapping[str, Any], options: Options) -> Model:
    kind = document.get("type")
    if kind not in _documents:
        raise InputInvalid(
            f"DCAI model of type {kind!r} cannot be compiled",
            hint=f"known types: {', '.join(sorted(_documents))}",
        )
    return _documents[kind][1](document, options)


def behind_client(model: Model, estimator: Any) -> Any:
    """`estimator`, or a `Pipeline` of what the client does to a raw sample and `estimator`."""
    steps = model.client.steps[: len(model.client.steps) - model.own_steps] if model.client else ()
    if model.client is None or not steps:
        return estimator
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    n_features = int(estimator.n_features_in_)
    client = FunctionTransformer(
        replace(model.client, steps=steps, n_features=n_features).transform
    )
    return Pipeline([("client", client), (type(estimator).__name__.lower(), estimator)])


def _check_fitted(estimator: Any) -> None:
    # scikit-learn stops at extract, so its checks are imported by who extracts.
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        name = type(estimator).__name__
        raise NotFitted(
            f"this {name} was never trained", hint="call .fit(X, y) first", estimator=name
        ) from None


def _unsupported(estimator: Any) -> UnsupportedModel:
    kind = type(estimator)
    parents = [known.__name__ for known in _extractors if issubclass(kind, known)]
    known = ", ".join(sorted({entry.name for entry, _ in _extractors.values()}))
    if parents:
        return UnsupportedModel(
            f"{kind.__name__} is a subclass of {parents[0]} that nobody registered; "
            "it may predict differently",
            hint=f"pass a {parents[0]} itself, or register {kind.__name__} with an extractor of its own",
            estimator=kind.__name__,
        )
    return UnsupportedModel(
        f"{kind.__name__} cannot be compiled", hint=f"supported: {known}", estimator=kind.__name__
    )


# The families register themselves when they are imported, with the functions above.
from dcai_compile.families import (  # noqa: E402, F401
    centroid,
    count_bayes,
    gaussian_bayes,
    linear,
)
