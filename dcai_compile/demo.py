"""`dcai demo`: DCAI's own story on a small sentiment model, told step by step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from dcai_compile.evm import fastest_evm
from dcai_compile.folder import load_artifact
from dcai_compile.pipeline import compile_model
from dcai_compile.reviews import LABELS, WORDS, reviews
from dcai_compile.story import INDENT, Story
from dcai_compile.summary import compile_summary, fact_lines, parity_summary
from dcai_compile.verify import ParityReport, Progress

TRAINED, UNSEEN, UPDATES = 20, 500, 40


def run_demo(
    out: Console, folder: Path | None, evm: str, progress: Progress | None
) -> ParityReport:
    """Reviews, Naive Bayes: compile, save, load, verify; then deploy it, teach it, cheat it."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, labels = reviews(TRAINED, seed=0)
    unseen, truth = reviews(UNSEEN, seed=1)
    out.print(f"1. train      on {TRAINED} short film reviews (made up, of {len(WORDS)} words)")
    estimator = make_pipeline(CountVectorizer(vocabulary=WORDS), MultinomialNB())
    estimator.fit(texts, labels)
    out.print(f"{INDENT}{estimator[-1]} on counts of words", markup=False)
    out.print(f"{INDENT}accuracy {estimator.score(unseen, truth):.3f} on {UNSEEN} unseen reviews")
    out.print("2. compile    to Solidity, and the Solidity to bytecode")
    compiled = compile_model(
        estimator,
        texts,
        name="Reviews",
        title="Film reviews",
        description="Whether a film review is for or against the film",
        class_names=LABELS,
    )
    _facts(out, compile_summary(compiled))
    with tempfile.TemporaryDirectory() as scratch:
        target = folder if folder is not None else Path(scratch) / "reviews"
        compiled.save(target)
        compiled = load_artifact(target)
        kept = str(target) if folder is not None else "a temporary folder (keep it with --out DIR)"
        out.print(f"3. save       {len(compiled.source)} Solidity files and the artifact in {kept}")
    out.print(f"4. verify     on test EVMs, then teach the contract {UPDATES} unseen reviews")
    taught = (unseen[:UPDATES], truth[:UPDATES])
    report = compiled.verify(unseen, evm=evm, updates=taught, progress=progress)
    _facts(out, parity_summary(report))
    out.print("PARITY HOLDS" if report.passed else "PARITY IS BROKEN", style="bold")
    out.print("5. deploy     a fresh one, by Olga, on a chain inside this process")
    Story(out, compiled.deploy(fastest_evm()), unseen, truth).tell()
    return report


def _facts(out: Console, facts: dict[str, Any]) -> None:
    for line in fact_lines(facts):
        out.print(f"{INDENT}{line}", markup=False)
