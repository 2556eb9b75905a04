"""Random small models of every counting family: mirror against scikit-learn, without an EVM.

Any scale, smoothing, encoding and horizon: no score leaves its bound, no class differs where it must
not, learning stays within its drift, and whatever is refused is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile.choose import choose_encoding
from dcai_compile.errors import DcaiError
from dcai_compile.families import extract, family_of
from dcai_compile.model import Options, Revert, margins

MODELS = 60
Draw = np.random.Generator


def words(rng: Draw, n: int, d: int) -> Any:
    return rng.poisson(rng.uniform(0.05, 3.0), (n, d)).astype(float)


def shares(rng: Draw, n: int, d: int) -> Any:
    return rng.uniform(0.0, 1.0, (n, d)) * (rng.random((n, d)) < 0.4) * 10.0 ** rng.integers(-3, 4)


def measured(rng: Draw, n: int, d: int) -> Any:
    scale = 10.0 ** rng.integers(-8, 8)
    return rng.normal(size=(n, d)) * scale + rng.normal(size=d) * scale * rng.choice([0, 1, 100])


def codes(rng: Draw, n: int, d: int) -> Any:
    return rng.integers(0, rng.integers(1, 8, d), (n, d))


FAMILIES: dict[str, tuple[Callable[..., Any], Callable[[Draw], Any]]] = {
    "multinomial": (words, lambda r: MultinomialNB(alpha=10.0 ** r.uniform(-10, 2))),
    "complement": (words, lambda r: ComplementNB(alpha=r.choice([1.0, 0.1, 1e-10]))),
    "normed": (words, lambda r: ComplementNB(alpha=r.choice([1.0, 0.5, 1e-3]), norm=True)),
    "fractional": (shares, lambda r: MultinomialNB(alpha=r.choice([1.0, 0.1, 0.01]))),
    "bernoulli": (measured, lambda r: BernoulliNB(alpha=10.0 ** r.uniform(-10, 2))),
    "categorical": (codes, lambda r: CategoricalNB(alpha=10.0 ** r.uniform(-6, 2))),
    "gaussian": (measured, lambda r: GaussianNB(var_smoothing=10.0 ** r.uniform(-12, 0))),
    "centroid": (measured, lambda r: NearestCentroid()),
    "words' centroid": (words, lambda r: NearestCentroid()),
    "manhattan": (measured, lambda r: NearestCentroid(metric="manhattan")),
}


def check(rng: Draw, data: Callable[..., Any], make: Callable[[Draw], Any]) -> None:
    n, d, k = (int(v) for v in rng.integers([12, 2, 2], [60, 30, 6]))
    X, y = data(rng, n, d), rng.permutation(np.arange(n) % k)
    estimator = make(rng).fit(X, y)
    if data in (words, shares) and rng.integers(2):
        X = sparse.csr_array(X)
    frozen = getattr(estimator, "metric", "") == "manhattan" or rng.random() < 0.2
    asked = Options(update="frozen" if frozen else "auto", horizon=int(10 ** rng.integers(1, 7)))
    model = extract(estimator, asked)
    family = family_of(model.family)
    features = model.features(X)
    allowed = family.encodings(model)
    name = str(rng.choice(["auto", *allowed]))
    wire = choose_encoding(name, features, allowed=allowed, min_length=0)
    integers = family.quantize(model, features, y if family.uses_labels else None, wire, asked)
    mirror = family.mirror(integers)
    samples = mirror.encode_features(features)
    scores = mirror.scores(samples)
    ours, (theirs, labels) = mirror.real_scores(scores), family.reference(model, features)
    bound = np.sum(family.error_bounds(integers, features), axis=0)
    error = np.where(ours == theirs, 0.0, np.abs(ours - theirs)).max(axis=1)
    assert np.all(error <= bound + np.abs(theirs).max(axis=1) * 2.0**-51)
    decided = np.array(model.classes)[[mirror.decide(row) for row in scores]]
    assert np.all((decided == labels) | (margins(theirs) <= 2.0 * bound))
    learning = family.learning_check(integers)
    if learning is None:
        return
    for row in range(10):
        label = int(rng.integers(0, k))
        try:
            mirror.update_encoded(samples[row].tolist(), label)
        except Revert:
            continue
        learning.step(features[[row]], samples[row], label)
    assert learning.drift(mirror) <= learning.bound


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FAMILIES)
def test_random_models(name: str) -> None:
    refused = 0
    for seed in range(MODELS):
        try:
            check(np.random.default_rng([seed, len(name)]), *FAMILIES[name])
        except DcaiError as refusal:
            assert refusal.hint
            refused += 1
    assert refused < MODELS / 2
