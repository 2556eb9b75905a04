"""Where DCAI's Naive Bayes fails: long documents, whose probabilities underflow at 1e9 fixed point.

    python -m benchmarks.naive_bayes [--markdown FILE]

Seeded synthetic text: 1,000 words, documents of 20 to 60 words, 1,000 of them to train and 500 unseen
to classify, with 2, 4 and 10 classes. "DCAI" is the arithmetic of DCAI's contract
(`NaiveBayesClassifier.sol`, microsoft/0xDeCA10B at f97e40d): one product of fixed-point probabilities
a class, each division rounded down, and the first class where all products are 0. Ours is the
compiled contract on test EVMs. Exit code 1 if any decided document differs from scikit-learn.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.naive_bayes import MultinomialNB

from benchmarks.datasets import zipf_text
from benchmarks.readme import replace_section
from dcai_compile import compile_model

WORDS = 1_000
TRAINED = 1_000
UNSEEN = 500
CLASSES = (2, 4, 10)
SCALE = 10**9

HEADER = (
    "| classes | documents | DCAI agrees with scikit-learn | ours agrees | undecided |\n"
    "|--:|--:|--:|--:|--:|"
)


def dcai_decides(estimator: MultinomialNB, tokens: list[int]) -> int:
    """The class by DCAI's rule, for word counts as integers."""
    best, most = 0, 0
    smoothing = round(estimator.alpha * SCALE)
    for row, counts in enumerate(estimator.feature_count_):
        probability = SCALE * int(estimator.class_count_[row])
        whole = SCALE * int(counts.sum()) + smoothing * len(counts)
        for token in tokens:
            probability = probability * (SCALE * int(counts[token]) + smoothing) // whole
        if probability > most:
            best, most = row, probability
    return best


def row(n_classes: int) -> tuple[str, bool]:
    """One line of the table, and whether every decided document agrees."""
    X, y = zipf_text(TRAINED + UNSEEN, WORDS, n_classes, seed=n_classes)
    estimator = MultinomialNB().fit(X[:TRAINED], y[:TRAINED])
    compiled = compile_model(estimator, X[:TRAINED], incentive=None)
    unseen = X[TRAINED:]
    expected = estimator.predict(unseen)
    dcai = [dcai_decides(estimator, tokens) for tokens in compiled.encode(unseen)]
    report = compiled.verify(unseen)
    ours = compiled.mirror.predict(unseen)
    text = (
        f"| {n_classes} | {UNSEEN} | {np.mean(estimator.classes_[dcai] == expected):.1%} "
        f"| {np.mean(ours == expected):.1%} | {report.undecided} |"
    )
    return text, report.passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    lines, passed = [HEADER], True
    print(HEADER)
    for n_classes in CLASSES:
        text, agrees = row(n_classes)
        passed = passed and agrees
        lines.append(text)
        print(text, "" if agrees else "FAILED", flush=True)
    if arguments.markdown:
        text = arguments.markdown.read_text(encoding="utf-8")
        table = replace_section(text, "naive bayes table", "\n".join(lines))
        arguments.markdown.write_text(table, encoding="utf-8")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
