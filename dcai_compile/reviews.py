"""Made-up film reviews for the demo: words by Zipf's law, some of them for or against."""

from __future__ import annotations

import numpy as np

GOOD = (
    "great good wonderful brilliant moving funny clever superb lovely charming gripping warm "
    "stunning witty delightful perfect bold touching elegant masterful"
).split()
BAD = (
    "bad boring awful dull terrible clumsy slow weak stupid tedious bland flat shallow silly "
    "dreadful lifeless cheap messy forgettable pointless"
).split()
PLAIN = (
    "film story plot scene acting actor music script ending director camera dialogue cast "
    "character humour drama action picture sound light minute hour sequel love war city night "
    "family friend road house summer winter dream secret letter train island garden river"
).split()
WORDS = (*GOOD, *BAD, *PLAIN)

LABELS = ("negative", "positive")


def reviews(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts and labels, ``negative`` or ``positive``, `count` of each; the same for the same seed."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        label = int(rng.integers(2))
        words = _some(rng, PLAIN, int(rng.integers(3, 8)))
        for _ in range(int(rng.integers(2, 5))):
            # One opinion in fourteen is the other way round, as in life.
            agrees = rng.random() < 0.93
            words += _some(rng, GOOD if bool(label) == agrees else BAD, 1)
        texts.append(" ".join(str(word) for word in rng.permutation(words)))
        labels.append(LABELS[label])
    return texts, labels


def _some(rng: np.random.Generator, words: list[str], count: int) -> list[str]:
    weights = 1.0 / np.arange(1, len(words) + 1)
    return [str(word) for word in rng.choice(words, count, p=weights / weights.sum())]
