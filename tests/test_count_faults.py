"""Deliberate faults in counting contracts: parity must turn red."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from dcai_compile import Compiled
from tests import models
from tests.models import compile_bare
from tests.test_count_bayes import categories, tf_idf
from tests.test_wrong_on_purpose import bump_first_weight, substitute, with_source

ESTIMATORS = {
    "multinomial": (MultinomialNB, {}),
    "complement": (ComplementNB, {}),
    "normed": (ComplementNB, {"norm": True}),
    "bernoulli": (BernoulliNB, {}),
    "categorical": (CategoricalNB, {}),
    "fractional": (MultinomialNB, {"alpha": 0.5}),
}


def data(name: str) -> tuple[Any, Any]:
    if name == "categorical":
        return categories()
    return tf_idf() if name == "fractional" else models.text(200, 3)


@cache
def compiled(name: str) -> Compiled:
    kind, settings = ESTIMATORS[name]
    X, y = data(name)
    return compile_bare(kind(**settings).fit(X, y), X, name="Faulty")


def last_of_highest(text: str) -> str:
    """Of equal scores the last wins, however the contract compares them."""
    text = text.replace("scores[row] > scores", "scores[row] >= scores")
    return text.replace("sgt(score, highest)", "iszero(slt(score, highest))")


EVERYWHERE = {
    "a count one higher": bump_first_weight,
    "> flipped to >=": last_of_highest,
    "a counted sample forgotten": substitute(
        r"classification, GRAIN, total\);", "classification, 0, 0);"
    ),
    "no class check": substitute(r"_requireClass\(classification, CLASSES\);\n", "\n"),
    "a sample worth two": substitute(r"GRAIN = 1;", "GRAIN = 2;"),
}
ONLY = {
    "multinomial": {
        "no prior": substitute(r"mantissa \* samples", "mantissa"),
        "smoothing dropped": substitute(r"ALPHA_SUM = \d+", "ALPHA_SUM = 0"),
        "the total forgotten": substitute(r"GRAIN, total\);", "GRAIN, 0);"),
        "a denominator thought longer": substitute(r"WHOLE_LENGTH = \d+", "WHOLE_LENGTH = 200"),
    },
    "complement": {
        "the class itself counted": substitute(r"all - counts\[row\]", "counts[row]"),
        "upside down": substitute(
            r"div\(above, aboveExponent, mantissa, exponent\)",
            "div(mantissa, exponent, above, aboveExponent)",
        ),
    },
    "normed": {
        "the product never grows": substitute(r"_applyGrowth\(growth, classification\);", ""),
        "the taught class grows too": lambda text: text.replace(
            "if (row == classification) continue;", ""
        ),
        "a logarithm missing": substitute(r"all -= int256\(FEATURES\).*", ""),
    },
    "bernoulli": {
        "no prior": substitute(
            r"BigFloat\.mulDiv\(prior, priorExponent", "BigFloat.mulDiv(2 ** 127, -127"
        ),
        "samples thought more": substitute(r"SAMPLES_LENGTH = \d+", "SAMPLES_LENGTH = 200"),
        "absence ignored": substitute(r"here \? counts\[row\] : [^;]*;", "counts[row];"),
        "a repeated index counted twice": substitute(
            r"_checkLesson\(data\);", "_checkSample(data);"
        ),
    },
    "categorical": {
        "a column's end one further": substitute(r"index >= _offset", "index > _offset"),
    },
    "fractional": {
        "powers halved": substitute(r"powers\[i\] = ", "powers[i] = 1 / 2 + "),
        "negative values counted": substitute(r"if \(value < 0\) revert [^;]*;", ""),
    },
}
ONLY["fractional"]["powers halved"] = substitute(
    r"total \+= powers\[i\];", "total += powers[i] / 2;"
)
NOT_THERE = {"fractional": {"a sample worth two"}}

FAULTS = [
    pytest.param(name, edit, id=f"{name}: {title}")
    for name in ESTIMATORS
    for title, edit in {**EVERYWHERE, **ONLY[name]}.items()
    if title not in NOT_THERE.get(name, ())
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_fault_is_found(name: str, fault: Callable[[str], str]) -> None:
    X, y = data(name)
    broken = with_source(compiled(name), fault)
    report = broken.verify(X[:15], evm="revm", updates=(X[20:30], y[20:30]))
    assert report.evm_mismatches > 0
    assert not report.passed


@pytest.mark.parametrize("name", ESTIMATORS)
def test_without_a_fault_parity_holds(name: str) -> None:
    X, y = data(name)
    report = compiled(name).verify(X[:15], evm="revm", updates=(X[20:30], y[20:30]))
    assert report.passed, report
