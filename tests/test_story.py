"""The demo's story: the good contributors gain, the bad one pays, the model learns."""

from __future__ import annotations

import io

from rich.console import Console
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from dcai_compile import compile_model
from dcai_compile.evm import fastest_evm
from dcai_compile.reviews import LABELS, WORDS, reviews
from dcai_compile.story import HONEST, WRONG, Story


def test_the_story() -> None:
    texts, labels = reviews(20, seed=0)
    model = make_pipeline(CountVectorizer(vocabulary=WORDS), MultinomialNB()).fit(texts, labels)
    system = compile_model(model, texts, class_names=LABELS).deploy(fastest_evm())
    printed = io.StringIO()
    unseen, truth = reviews(300, seed=1)
    story = Story(Console(file=printed, width=200), system, unseen, truth)
    story.tell()
    numbers = story.numbers
    before, learned, fooled = story.accuracies
    assert before + 0.1 < learned
    assert learned - 0.05 < fooled
    # Every deposit went somewhere, and none of it out of nothing.
    assert numbers["Olga"] + numbers["Grace"] + numbers["Rita"] + numbers["Bob"] == 0
    assert numbers["Bob"] < 0 < min(numbers["Grace"], numbers["Rita"])
    assert numbers["left"] == system.evm.balance(system.address) == 0
    assert len(system.contributions()) == HONEST + WRONG
    assert "the contract holds 0 ETH" in printed.getvalue()


def test_reviews_are_the_same_for_the_same_seed() -> None:
    assert reviews(10, seed=3) == reviews(10, seed=3) != reviews(10, seed=4)
    assert {word for text in reviews(200, seed=5)[0] for word in text.split()} <= set(WORDS)
