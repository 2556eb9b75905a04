"""A parity check is worth what it finds: each deliberate fault must turn it red."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dcai_compile import Compiled
from dcai_compile.artifact import build
from dcai_compile.errors import CompilerPanic
from dcai_compile.families.linear.family import LinearFamily
from dcai_compile.families.linear.integers import LinearModel
from tests import models


def with_source(
    compiled: Compiled, edit: Callable[[str], str], path: str | None = None
) -> Compiled:
    """The same compiled model, with its rendered source edited and built again."""
    path = path or f"{compiled.options.name}.sol"
    before = compiled.source[path]
    after = edit(before)
    assert after != before, "the fault was not planted"
    source = replace(compiled.sources, files={**compiled.source, path: after})
    request, contracts = build(source, compiled.layout, compiled.options, None)
    return replace(compiled, sources=source, standard_input=request, contracts=contracts)


def substitute(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, replacement, text, count=1)


def everywhere(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, replacement, text)


def bump_first_weight(text: str) -> str:
    """One published weight, one unit up: the last byte of the first line of the table."""
    line = re.search(r'hex"([0-9a-f]{4,})"', text)
    assert line is not None
    data = bytearray.fromhex(line[1])
    data[-1] = (data[-1] + 1) % 256
    return text.replace(line[1], data.hex(), 1)


def swap_first_lanes(size: int) -> Callable[[str], str]:
    def swap(text: str) -> str:
        line = re.search(r'hex"([0-9a-f]{8,})"', text)
        assert line is not None
        digits = line[1]
        n = 2 * size
        return text.replace(digits, digits[n : 2 * n] + digits[:n] + digits[2 * n :], 1)

    return swap


DECISION = {
    models.dense_binary: substitute(r"scores\[0\] > 0", "scores[0] >= 0"),
    models.sparse_binary: substitute(r"scores\[0\] > 0", "scores[0] >= 0"),
    models.dense_multiclass: substitute(r"sgt\(score, highest\)", "iszero(slt(score, highest))"),
    models.frozen: substitute(r"sgt\(score, highest\)", "iszero(slt(score, highest))"),
}

FAULTS = [
    pytest.param(m, bump_first_weight, id=f"{m.__name__}: a weight one unit up")
    for m in (*DECISION, models.sparse_pa)
]
FAULTS += [
    pytest.param(m, edit, id=f"{m.__name__}: > flipped to >=") for m, edit in DECISION.items()
]
FAULTS += [
    pytest.param(
        m, substitute(r" \+ _intercept\((row|0)(, moved)?\)", ""), id=f"{m.__name__}: no intercept"
    )
    for m in DECISION
]
UPDATING = (models.dense_binary, models.dense_multiclass, models.sparse_binary, models.sparse_pa)
UPDATE_FAULTS = {
    "a step in the wrong direction": substitute(
        r"\? int256\(1\) : int256\(-1\)", "? int256(-1) : int256(1)"
    ),
    "an intercept that stays": substitute(r"_moveIntercepts\(steps\);", ""),
    # Where lanes are learned together, it is a literal, or a multiplication that divides.
    "another divisor": everywhere(
        r"(DIVISOR = |mul\(|\d{6}\), )(\d+)(?=;|, add\(bias|\)\))", r"\g<1>1\g<2>"
    ),
    "no overflow check": substitute(r"if \(moved > LANE_MAX .*\n", "\n"),
    "no class check": substitute(r"_requireClass\(classification, CLASSES\);\n", "\n"),
}
FAULTS += [
    pytest.param(m, edit, id=f"{m.__name__}: {title}")
    for m in UPDATING
    for title, edit in UPDATE_FAULTS.items()
    # Its lanes are wide enough for every probe, so the missing check cannot show.
    if title != "no overflow check"
    # A division by one is left out.
    and (m, title) != (models.sparse_binary, "another divisor")
]


@pytest.mark.parametrize(("model", "fault"), FAULTS)
def test_fault_is_found(model: Callable[[], Compiled], fault: Callable[[str], str]) -> None:
    broken = with_source(model(), fault)
    X, y = models.lessons(broken)
    report = broken.verify(X[:20], evm="revm", updates=(X[20:40], y[20:40]))
    assert report.evm_mismatches > 0
    assert not report.passed


@pytest.mark.parametrize(
    "model", [models.dense_binary, models.dense_multiclass, models.sparse_binary]
)
def test_swapped_lanes_are_found(model: Callable[[], Compiled]) -> None:
    compiled = model()
    size = compiled.integers.grid.bits // 8  # type: ignore[attr-defined]
    broken = with_source(compiled, swap_first_lanes(size))
    X, _ = models.lessons(broken)
    assert broken.verify(X[:20], evm="revm").evm_mismatches > 0


def test_swapped_storage_lanes_are_found() -> None:
    broken = with_source(
        models.sparse_binary(),
        lambda text: re.sub(
            r"mod\(index, (\d+)\)", lambda m: f"sub({int(m[1]) - 1}, {m[0]})", text
        ),
    )
    X, y = models.lessons(broken)
    assert broken.verify(X[:5], evm="revm", updates=(X, y)).evm_mismatches > 0


def test_foreign_weights_in_a_data_contract_are_found() -> None:
    broken = with_source(models.large_sparse(), bump_first_weight, "LargeBase0.sol")
    X, _ = models.lessons(broken)
    report = broken.verify(X[:5], evm="revm")
    assert report.evm_mismatches > 0
    assert any("BaseMismatch" in text for text in report.mismatches)


def test_scores_that_scikit_learn_does_not_give_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second claim alone: EVM and mirror agree on a model that is not the one that was trained."""
    X, _ = models.breast_cancer()
    compiled = models.dense_binary()
    trained = LinearFamily.reference

    def other(family: LinearFamily, model: LinearModel, features: Any) -> Any:
        return trained(family, replace(model, coef=model.coef * 1.05), features)

    monkeypatch.setattr(LinearFamily, "reference", other)
    report = compiled.verify(X[:50], evm="revm")
    assert report.evm_mismatches == 0
    assert report.disagreements > 0
    assert not report.passed


def test_weights_that_are_not_the_nearest_are_a_bug_of_ours() -> None:
    """A wrong table must not hide behind the larger bound that it would have."""
    X, _ = models.breast_cancer()
    compiled = models.dense_binary()
    model: Any = compiled.integers.model
    integers: Any = replace(compiled.integers, model=replace(model, coef=model.coef * 1.5))
    with pytest.raises(CompilerPanic, match="not the nearest"):
        replace(compiled, integers=integers).verify(X[:50], evm="revm")


@pytest.mark.parametrize(
    "model",
    [
        models.dense_binary,
        models.dense_multiclass,
        models.sparse_binary,
        models.sparse_multiclass,
        models.sparse_pa,
        models.large_sparse,
        models.large_dense,
        models.frozen,
    ],
)
def test_without_a_fault_parity_holds(model: Callable[[], Compiled]) -> None:
    compiled = model()
    X, y = models.lessons(compiled)
    report = compiled.verify(X[:40], evm="revm", updates=(X[:15], y[:15]))
    assert report.passed, report
    assert report.samples == min(40, X.shape[0])
    assert report.evms[0].probes > 10
