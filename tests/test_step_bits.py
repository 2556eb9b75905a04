"""The option `step_bits`: learned weights in narrower or wider low digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import sparse

from dcai_compile import Compiled, load_artifact
from dcai_compile.errors import InvalidOption
from tests import models
from tests.models import compile_bare

LOSSES = ("perceptron", "hinge", "log_loss", "modified_huber", "squared_hinge", "pa1", "pa2")


def data(encoding: str) -> tuple[Any, Any]:
    if encoding == "dense":
        return models.breast_cancer()
    X, y = models.text(120, 3)
    return (X, y) if encoding == "indices" else (sparse.csr_array(X / 3.0), y)


def compiled(loss: str, encoding: str, **options: Any) -> Compiled:
    X, y = data(encoding)
    rule = loss if loss.startswith("pa") else "constant"
    estimator = models.sgd("hinge" if rule == loss else loss, rule, 2.0**-10)
    return compile_bare(estimator.fit(X, y), X, encoding=encoding, **options)


@pytest.mark.parametrize("encoding", ["dense", "pairs", "indices"])
@pytest.mark.parametrize("loss", LOSSES)
def test_parity_and_drift_on_the_narrow_grid(loss: str, encoding: str) -> None:
    X, y = data(encoding)
    model: Any = compiled(loss, encoding, step_bits=16)
    plan = model.integers.plan
    whole = encoding == "indices" and loss in ("perceptron", "hinge")
    assert plan.low_bits == (8 if whole else 16)
    report = model.verify(X[:30], evm="revm", updates=(X[60:100], y[60:100]))
    assert report.passed, report
    # Steps are rounded on a grid that is coarser by as many bits as the digit is narrower.
    finer: Any = compiled(loss, encoding)
    assert finer.integers.plan.low_bits == (8 if whole else 32)
    assert (plan.divisor == finer.integers.plan.divisor) == whole
    assert plan.divisor >= finer.integers.plan.divisor
    assert whole or model.layout.delta.slots < finer.layout.delta.slots
    expected = finer.verify(X[:1], evm="revm", updates=(X[60:100], y[60:100]))
    assert expected.passed
    assert expected.drift_bound < report.drift_bound or whole


@pytest.mark.parametrize("value", [8, 64, 0, -16, 24, "16", "narrow", None])
def test_other_widths_are_refused(value: Any) -> None:
    with pytest.raises(InvalidOption, match="step_bits") as caught:
        compiled("hinge", "dense", step_bits=value)
    assert (caught.value.option, caught.value.value) == ("step_bits", value)


def test_the_usual_width_is_the_wide_one(tmp_path: Path) -> None:
    usual, wide, narrow = (compiled("hinge", "dense", step_bits=bits) for bits in ("auto", 32, 16))
    assert usual.source == wide.source != narrow.source
    again = load_artifact(narrow.save(tmp_path / "narrow"))
    assert again.options.step_bits == 16
    assert again.source == narrow.source
    assert again.layout == narrow.layout
