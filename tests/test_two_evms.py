"""Two hundred random lessons, bit for bit, on two independent EVMs: predictions and every stored word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled
from tests import models

LESSONS = 200


def words(estimator: Any) -> Callable[[], tuple[Compiled, Any, int]]:
    def made() -> tuple[Compiled, Any, int]:
        X, y = models.text(100, 3)
        return models.compile_bare(estimator.fit(X, y), X, y), X, 3

    return made


def flowers(estimator: Any) -> Callable[[], tuple[Compiled, Any, int]]:
    def made() -> tuple[Compiled, Any, int]:
        X, y = models.iris()
        return models.compile_bare(estimator.fit(X, y), X, y, encoding="dense"), X, 3

    return made


MODELS = {
    "words, perceptron": words(Perceptron(random_state=0)),
    "words, counts": words(MultinomialNB()),
    "words, presence": words(BernoulliNB()),
    "words, centroids": words(NearestCentroid()),
    "flowers, perceptron": flowers(Perceptron(random_state=0)),
    "flowers, log loss in 16 bits": lambda: _narrow(),
    "flowers, centroids": flowers(NearestCentroid()),
    "flowers, Gaussian": flowers(GaussianNB()),
}


def _narrow() -> tuple[Compiled, Any, int]:
    X, y = models.iris()
    estimator = models.sgd("log_loss").fit(X, y)
    return models.compile_bare(estimator, X, step_bits=16), X, 3


@pytest.mark.parametrize("name", MODELS)
def test_random_lessons_are_the_same_everywhere(name: str) -> None:
    compiled, X, n_classes = MODELS[name]()
    rng = np.random.default_rng(11)
    lessons = X[rng.integers(0, X.shape[0], LESSONS)]
    labels = rng.integers(0, n_classes, LESSONS)  # whatever the sample is
    for evm in ("revm", "eth-tester"):
        report = compiled.verify(X[:10], evm=evm, updates=(lessons, labels))
        assert report.evm_mismatches == 0, report.mismatches
        assert report.evms[0].updates == LESSONS
