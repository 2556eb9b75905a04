"""`dcai demo`: the main job on real data, told step by step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from dcai_compile.folder import load_artifact
from dcai_compile.pipeline import compile_model
from dcai_compile.summary import compile_summary, fact_lines, parity_summary
from dcai_compile.verify import ParityReport, Progress

SPLIT = 400
UPDATES = 60


def run_demo(
    out: Console, folder: Path | None, evm: str, progress: Progress | None
) -> ParityReport:
    """Breast cancer, a scaled SGD classifier: compile, save, load, predict, teach, compare."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import SGDClassifier
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    X = np.asarray(StandardScaler().fit(X[:SPLIT]).transform(X))
    out.print("1. train      scikit-learn's breast cancer data, 569 samples of 30 measurements")
    estimator = SGDClassifier(
        loss="log_loss", penalty=None, learning_rate="constant", eta0=0.01, random_state=0
    ).fit(X[:SPLIT], y[:SPLIT])
    accuracy = estimator.score(X[SPLIT:], y[SPLIT:])
    out.print(f"              {estimator}", markup=False)
    out.print(f"              accuracy on {len(y) - SPLIT} unseen samples: {accuracy:.4f}")
    out.print("2. compile    to Solidity, and the Solidity to bytecode")
    compiled = compile_model(
        estimator, X[:SPLIT], name="BreastCancer", class_names=("malignant", "benign")
    )
    _facts(out, compile_summary(compiled))
    with tempfile.TemporaryDirectory() as scratch:
        target = folder if folder is not None else Path(scratch) / "breast_cancer"
        compiled.save(target)
        compiled = load_artifact(target)
        kept = str(target) if folder is not None else "a temporary folder (keep it with --out DIR)"
        out.print(f"3. save       {len(compiled.source)} Solidity files and the artifact in {kept}")
    out.print(f"4. verify     on test EVMs, then teach the contract {UPDATES} unseen samples")
    taught = (X[SPLIT : SPLIT + UPDATES], y[SPLIT : SPLIT + UPDATES])
    report = compiled.verify(X, evm=evm, updates=taught, progress=progress)
    _facts(out, parity_summary(report))
    out.print("PARITY HOLDS" if report.passed else "PARITY IS BROKEN", style="bold")
    return report


def _facts(out: Console, facts: dict[str, Any]) -> None:
    for line in fact_lines(facts):
        out.print(f"              {line}", markup=False)
