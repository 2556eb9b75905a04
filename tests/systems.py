"""Small systems for the tests of trainers and incentives, compiled once a process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from eth_abi.abi import encode
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.deployment import Deployment
from dcai_compile.evm import CallResult, Evm, open_evms

LAYOUTS = ("fused", "modular")
INCENTIVES = ("stakeable", "points")

REFUND_WAIT, OWNER_WAIT, ANY_WAIT = 15, 40, 90
COST_WEIGHT = 10**15

WORDS = 8
LABELS = [0] * 4 + [1] * 4


def perceptron() -> Perceptron:
    """Words 0 to 3 speak for class 0, words 4 to 7 for class 1; the intercept is 0."""
    estimator = Perceptron(shuffle=False, max_iter=50, tol=None)
    X = np.eye(WORDS)
    return estimator.fit(X, LABELS)


def estimator(model: str) -> Any:
    """A model of one word a sample: words 0 to 3 are of class 0, words 4 to 7 of class 1."""
    if model == "perceptron":
        return perceptron()
    made = {"bayes": MultinomialNB, "centroid": NearestCentroid}[model]()
    return made.fit(np.eye(WORDS), LABELS)


@cache
def system(
    layout: str = "fused",
    incentive: str = "stakeable",
    *,
    model: str = "perceptron",
    **options: Any,
) -> Compiled:
    """A model of 8 words with short waits."""
    settings = {
        "refund_wait": REFUND_WAIT,
        "owner_claim_wait": OWNER_WAIT,
        "any_address_claim_wait": ANY_WAIT,
        "cost_weight": COST_WEIGHT,
        "name": "Words",
        "description": "which words",
        **options,
    }
    X = np.eye(WORDS)
    return compile_model(
        estimator(model),
        X,
        LABELS,
        encoding="indices",
        layout=layout,
        incentive=incentive,
        **settings,
    )


def fresh(
    layout: str = "fused",
    incentive: str = "stakeable",
    *,
    evm: str = "revm",
    **options: Any,
) -> Deployment:
    """A system on a fresh EVM of its own, an hour old, so that a deposit is small."""
    (machine,) = open_evms(evm)
    deployment = system(layout, incentive, **options).deploy(machine)
    deployment.wait(3600)
    return deployment


def call(evm: Evm, to: str, signature: str, *values: Any, sender: str | None = None) -> CallResult:
    """Ask with a signature as DCAI's clients write it."""
    return evm.call(to, calldata(signature, *values), sender=sender)


def send(
    evm: Evm, to: str, signature: str, *values: Any, sender: str | None = None, value: int = 0
) -> CallResult:
    """Send with a signature as DCAI's clients write it."""
    return evm.send(to, calldata(signature, *values), sender=sender, value=value)


def calldata(signature: str, *values: Any) -> bytes:
    """Selector and arguments of ``name(types)``."""
    types = signature[signature.index("(") + 1 : -1]
    return abi.selector(signature) + encode(types.split(",") if types else [], values)


def error_of(deployment: Deployment, result: CallResult) -> str:
    """Name of the custom error that a result is; empty for a success."""
    if result.success:
        return ""
    name, _ = abi.decode_error(result.output, deployment.compiled.errors)
    return name or abi.describe_revert(result.output, deployment.compiled.errors)
