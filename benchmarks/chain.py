"""A real chain at size: large models deployed, a thousand contributions audited.

    python -m benchmarks.chain URL      the node, such as anvil, has ten unlocked accounts

Prints what each step took. Times are of one machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from dcai_compile import Compiled, compile_model
from dcai_compile.chain.accounts import NodeSigner, open_signer
from dcai_compile.chain.attach import attach
from dcai_compile.chain.audit import audit
from dcai_compile.chain.deployer import deploy_artifact
from dcai_compile.chain.node import Node
from dcai_compile.chain.pull import pulled
from dcai_compile.chain.transactions import Transactions
from dcai_compile.model import Mirror, class_index
from dcai_compile.reviews import WORDS, reviews

CONTRIBUTIONS = 1_000
LONG_DOCUMENT = 60


def contribute(folder: Path, node: Node, count: int) -> Mirror:
    """Teach reviews from ten accounts in turn; returns the mirror after the same lessons."""
    accounts = node.ask("eth_accounts")[:10]
    systems = [attach(folder, node, signer=NodeSigner(account)) for account in accounts]
    compiled = systems[0].compiled
    mirror = compiled.new_mirror()
    for number, (text, label) in enumerate(zip(*reviews(count, seed=5), strict=True)):
        systems[number % len(systems)].add_data(text, label)
        sample = compiled.encode([text])[0]
        mirror.update_encoded(sample, class_index(compiled.integers.model, label))
    return mirror


def large_naive_bayes() -> tuple[Compiled, Any]:
    """20 classes and 20,000 words, of documents up to LONG_DOCUMENT words."""
    rng = np.random.default_rng(0)
    X = np.zeros((200, 20_000), np.int64)
    for row in X:
        np.add.at(row, rng.zipf(1.3, LONG_DOCUMENT) % 20_000, 1)
    y = np.arange(len(X)) % 20
    model = MultinomialNB().fit(X, y)
    return compile_model(model, X, name="Topics", encoding="indices", incentive=None), X


def wide_linear() -> tuple[Compiled, Any]:
    """10 classes and 784 features: digits, enlarged as those of MNIST are."""
    X, y = load_digits(return_X_y=True)
    wide = np.kron(X[:400].reshape(-1, 8, 8), np.ones((1, 4, 4)))[:, 2:30, 2:30].reshape(400, 784)
    model = Perceptron(random_state=0).fit(wide / 16.0, y[:400])
    return compile_model(model, wide / 16.0, name="Digits", update="frozen"), wide / 16.0


def show(title: str, node: Node, folder: Path, compiled: Compiled, X: Any) -> None:
    """Deploy a model and ask it."""
    started = time.perf_counter()
    transactions = Transactions(node, open_signer(node, environ={}))
    journal = deploy_artifact(compiled.save(folder), compiled, transactions)
    took = time.perf_counter() - started
    gas = sum(step.gas_used for step in journal.steps)
    most = max(step.gas_used for step in journal.steps)
    size = max(len(contract.runtime) for contract in compiled.contracts)
    print(
        f"{title}: {len(journal.steps)} transactions, {gas:,} gas, the largest {most:,}; "
        f"largest code {size:,} bytes; {took:.1f} s"
    )
    found = attach(folder, node)
    same = found.predict(X[:20]).tolist() == compiled.mirror.predict(X[:20]).tolist()
    print(f"  predictions of 20 samples on chain equal the mirror's: {same}")


def main(url: str) -> None:
    node = Node(url)
    with tempfile.TemporaryDirectory() as scratch:
        for title, make in (
            ("Naive Bayes, 20 classes x 20,000 words", large_naive_bayes),
            ("linear, 10 classes x 784 features", wide_linear),
        ):
            compiled, X = make()
            show(title, node, Path(scratch) / compiled.options.name, compiled, X)
        texts, labels = reviews(20, seed=0)
        model = make_pipeline(CountVectorizer(vocabulary=WORDS), MultinomialNB())
        compiled = compile_model(model.fit(texts, labels), texts, name="Reviews", cost_weight=10**9)
        folder = compiled.save(Path(scratch) / "reviews")
        deploy_artifact(folder, compiled, Transactions(node, open_signer(node, environ={})))
        started = time.perf_counter()
        mirror = contribute(folder, node, CONTRIBUTIONS)
        print(
            f"{CONTRIBUTIONS} contributions of 10 accounts: {time.perf_counter() - started:.1f} s"
        )
        started = time.perf_counter()
        system = attach(folder, node)
        result = audit(system, *reviews(200, 1))
        print(
            f"audit: {time.perf_counter() - started:.1f} s, parameters equal: {result.parameters_equal}"
        )
        words = compiled.layout.words(mirror.state())
        stored = system.evm.storage_many(system.classifier, list(words))
        print(f"  equal to the local mirror's: {stored == list(words.values())}")
        started = time.perf_counter()
        _, count = pulled(system)
        print(f"pull after {count}: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1])
