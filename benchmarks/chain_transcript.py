"""From a trained model to a taught one on a chain: every verb, as a person types it.

    python -m benchmarks.chain_transcript            print it
    python -m benchmarks.chain_transcript --write    put it into CHAIN.md as well

Starts anvil, which must be installed, with the limits of mainnet on: blocks of 60,000,000 gas,
transactions of 16,777,216, contracts of 24,576 bytes. Two models are deployed, taught, audited and
pulled: a Naive Bayes classifier of 20 topics by 20,000 words, and a linear one of 10 classes by
784 pixels. The tests run the same at a smaller size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.datasets import load_digits
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import MultinomialNB

from benchmarks.readme import replace_section
from dcai_compile.chain.node import Node
from tests.anvil import pass_time, running_anvil

CHAIN = Path(__file__).resolve().parent.parent / "CHAIN.md"
SHOWN_URL = "http://127.0.0.1:8545"
DAY = 86_400
WORDS_A_DOCUMENT = 40
INK = 0.7
"""Paler pixels are paper, which leaves a quarter inked: about as many as MNIST has."""
LONGEST = 16
"""Lines of one command that are shown."""


Typist = Callable[[Path, dict[str, str], tuple[str, ...]], str]
"""What runs a command in a folder, with variables of the environment: what it prints, or SystemExit."""


def typed(folder: Path, variables: dict[str, str], words: tuple[str, ...]) -> str:
    """Run a command as a program of its own, as a person does."""
    done = subprocess.run(
        [sys.executable, "-c", "from dcai_compile.cli import app; app()", *words],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"dcai {' '.join(words)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass
class Session:
    """A folder, a node, and what was typed and printed."""

    folder: Path
    url: str
    typist: Typist = typed
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """A line of the transcript; printed too."""
        self.lines.append(text.rstrip())
        print(self.lines[-1], flush=True)

    def dcai(self, *words: str) -> str:
        """Type a command; it must succeed."""
        self.say(f"$ dcai {' '.join(words)}".replace(self.url, SHOWN_URL))
        printed = self.typist(self.folder, {"DCAI_RPC": self.url, "COLUMNS": "100"}, words)
        shown = printed.replace(self.url, SHOWN_URL).replace(str(self.folder) + "/", "")
        for line in shortened(shown.splitlines()):
            self.say(line)
        self.say("")
        return printed

    def save(self, name: str, X: Any, y: Any) -> None:
        """A data file of the folder."""
        np.savez_compressed(self.folder / f"{name}.npz", X=X, y=y)

    def every_verb(self, name: str, model: Any, *options: str) -> None:
        """Compile, deploy, teach, claim, audit, pull, verify; of files `train`, `good`, `bad`, `test`."""
        skops.io.dump(model, self.folder / f"{name}.skops")
        title = name.capitalize()
        files = ("--data", f"{name}-train.npz", "--out", name, "--name", title)
        test = f"{name}-test.npz"
        self.dcai("compile", f"{name}.skops", *files, *options)
        self.dcai("deploy", name, "--yes")
        self.dcai("status", name)
        self.dcai("predict", name, "--data", test)
        self.dcai("add-data", name, "--data", f"{name}-good.npz", "--account", "1", "--yes")
        self.dcai("add-data", name, "--data", f"{name}-bad.npz", "--account", "2", "--yes")
        self.dcai("refund", name, "--account", "1", "--yes")
        self.say("(a day later)")
        pass_time(Node(self.url), DAY)
        self.dcai("refund", name, "--account", "1", "--yes")
        self.dcai("refund", name, "--account", "2", "--yes")
        self.dcai("report", name, "--account", "1", "--yes")
        self.dcai("contributions", name)
        self.dcai("audit", name, "--test", test, "--csv", f"{name}.csv", "--chart", f"{name}.svg")
        self.dcai("pull", name, "--out", f"{name}-taught.skops")
        self.dcai("verify", name, "--data", test, "--rpc", self.url)


def shortened(lines: list[str]) -> list[str]:
    """Long lists without their middle."""
    if len(lines) <= LONGEST:
        return lines
    left_out = f"  [{len(lines) - LONGEST + 1} lines left out]"
    return [*lines[: LONGEST // 2], left_out, *lines[1 - LONGEST // 2 :]]


def documents(rng: Any, count: int, topics: int, words: int) -> tuple[Any, Any]:
    """Counts of words: half of a text from all words, half from those of its topic, both Zipf."""
    y = np.arange(count) % topics
    X = np.zeros((count, words), np.int64)
    for row, topic in zip(X, y, strict=True):
        general = (rng.zipf(1.2, WORDS_A_DOCUMENT // 2) - 1) % words
        special = (rng.zipf(1.2, WORDS_A_DOCUMENT // 2) * topics + topic) % words
        np.add.at(row, np.concatenate([general, special]), 1)
    return X, y


def topics(session: Session, classes: int, words: int) -> None:
    """Naive Bayes of few documents, taught more."""
    rng = np.random.default_rng(0)
    data = {name: documents(rng, classes * n, classes, words) for name, n in TOPIC_FILES.items()}
    X, y = data["train"]
    data["bad"] = (X[:3], (y[:3] + 1) % classes)
    for name, (X, y) in data.items():
        session.save(f"topics-{name}", X, y)
    session.every_verb("topics", MultinomialNB().fit(*data["train"]), "--encoding", "indices")


TOPIC_FILES = {"train": 2, "good": 2, "test": 5}
"""Documents of each topic, a file."""


def digits(session: Session, side: int) -> None:
    """A perceptron of digits, enlarged to `side` x `side` pixels, as those of MNIST are."""
    X, y = load_digits(return_X_y=True)
    factor = -(-side // 8)
    cut = (8 * factor - side) // 2
    wide = np.kron(X.reshape(-1, 8, 8), np.ones((1, factor, factor)))
    pixels = wide[:, cut : cut + side, cut : cut + side].reshape(len(X), -1) / 16.0
    pixels[pixels < INK] = 0.0
    parts = {"train": slice(0, 900), "good": slice(900, 906), "test": slice(1000, 1100)}
    for name, part in parts.items():
        session.save(f"digits-{name}", pixels[part], y[part])
    session.save("digits-bad", pixels[:2], (y[:2] + 5) % 10)
    model = Perceptron(random_state=0).fit(pixels[parts["train"]], y[parts["train"]])
    session.every_verb("digits", model, "--horizon", "1000")


def run(folder: Path, *, classes: int, words: int, side: int, typist: Typist = typed) -> list[str]:
    """The whole transcript."""
    with running_anvil() as url:
        session = Session(folder, url, typist)
        session.say("$ anvil --gas-limit 60000000 --enable-tx-gas-limit &")
        session.say(f"$ export DCAI_RPC={SHOWN_URL}")
        session.say("")
        topics(session, classes, words)
        digits(session, side)
    return session.lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = run(Path(folder), classes=20, words=20_000, side=28)
    if "--write" in sys.argv:
        text = CHAIN.read_text(encoding="utf-8")
        content = "```\n" + "\n".join(lines).strip() + "\n```"
        CHAIN.write_text(replace_section(text, "transcript", content), encoding="utf-8")


if __name__ == "__main__":
    main()
