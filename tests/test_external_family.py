"""A family from outside: one Python file and one template, in a process that imports them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import numpy as np
from sklearn.dummy import DummyClassifier

from dcai_compile import compile_model, load_artifact, supported_estimators
from dcai_compile.errors import InvalidOption, UnsupportedModel
from dcai_compile.families import register_family

X, y = np.arange(20.0).reshape(10, 2), np.array([4] * 3 + [7] * 5 + [9] * 2)
estimator = DummyClassifier().fit(X, y)
try:
    compile_model(estimator, X)
except UnsupportedModel as refusal:
    print("before:", refusal.message)

from tests.external_family import constant

print("listed:", any(entry.name == "DummyClassifier" for entry in supported_estimators()))
compiled = compile_model(estimator, X, name="Always")
report = compiled.verify(X, updates=(X[:2], y[:2]))
print("parity:", report.passed, len(report.evms), report.reverted)
again = load_artifact(compiled.save(r"{folder}"))
print("answers:", set(again.mirror.predict(X).tolist()), again.source == compiled.source)
try:
    compile_model(DummyClassifier(strategy="uniform").fit(X, y), X)
except UnsupportedModel as refusal:
    print("refused:", refusal.message)
try:
    register_family(constant.CONSTANT)
except InvalidOption as refusal:
    print("twice:", refusal.message)
"""


def test_a_package_adds_a_family_without_a_change_here(tmp_path: Path) -> None:
    program = PROGRAM.replace("{folder}", str(tmp_path / "always"))
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "before: DummyClassifier cannot be compiled",
        "listed: True",
        "parity: True 2 2",
        "answers: {7} True",
        "refused: DummyClassifier(strategy='uniform') draws lots",
        "twice: a family named 'constant' is registered already",
    ]
