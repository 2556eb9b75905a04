"""The demo's second half: a compiled model in the hands of strangers, on a chain in this process.

Grace and Rita teach what they believe. Bob teaches the opposite. Olga put the model on chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from dcai_compile.errors import TransactionRefused
from dcai_compile.incentives import HOUR, ether
from dcai_compile.reviews import LABELS, reviews

HONEST, WRONG = 60, 10
INDENT = " " * 14


@dataclass
class Person:
    """Somebody with an account."""

    name: str
    account: str
    before: int
    added: list[Contribution] = field(default_factory=list)


class Story:
    """One run of it; `accuracies` and `numbers` hold what was printed, for whoever checks it."""

    def __init__(self, out: Console, system: Deployment, X: Any, y: Any) -> None:
        self.out = out
        self.system = system
        self.X, self.y = X, y
        names = ("Olga", "Grace", "Rita", "Bob")
        accounts = system.evm.accounts[: len(names)]
        self.people = [
            Person(name, account, system.evm.balance(account))
            for name, account in zip(names, accounts, strict=True)
        ]
        self.accuracies: list[float] = []
        self.numbers: dict[str, float] = {}

    def tell(self) -> None:
        """Everything, in order."""
        olga, grace, rita, bob = self.people
        self.show_accuracy("as published")
        self.teach([grace, rita], *reviews(HONEST, seed=2))
        self.show_accuracy(f"after {HONEST} lessons by Grace and Rita")
        self.refund(grace)
        self.refund(rita)
        texts, labels = reviews(WRONG, seed=4)
        self.teach([bob], texts, [LABELS[1 - LABELS.index(label)] for label in labels])
        self.show_accuracy(f"after {WRONG} wrong labels by Bob")
        self.refund(bob)
        self.report(bob, [grace, rita])
        self.claim_the_rest(olga)
        self.show_balances()

    def say(self, text: str) -> None:
        self.out.print(f"{INDENT}{text}", markup=False)

    def show_accuracy(self, when: str) -> None:
        predicted = self.system.predict(self.X).tolist()
        right = sum(a == b for a, b in zip(predicted, self.y, strict=True))
        self.accuracies.append(right / len(predicted))
        self.say(
            f"accuracy {right / len(predicted):.3f} on {len(predicted)} unseen reviews, {when}"
        )

    def teach(self, people: list[Person], texts: list[str], labels: list[str]) -> None:
        """One lesson an hour, in turns."""
        deposits = 0
        for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
            person = people[number % len(people)]
            self.system.wait(HOUR)
            added = self.system.add_data(text, label, sender=person.account)
            person.added.append(added)
            deposits += added.deposit
        names = " and ".join(person.name for person in people)
        self.say(f"{names}: {len(texts)} reviews, one an hour, for deposits of {ether(deposits)}")

    def refund(self, person: Person) -> None:
        """Ask for everything back, a day after the last lesson."""
        self.system.wait(self.system.compiled.options.refund_wait)
        paid, refused = 0, 0
        for contribution in person.added:
            try:
                paid += self.system.refund(contribution)
            except TransactionRefused:
                refused += 1
        given = len(person.added) - refused
        self.numbers[f"{person.name} refused"] = refused
        self.say(
            f"{person.name} asks for them back: {given} agree with the model, {ether(paid)}; "
            f"{refused} refused"
        )

    def report(self, author: Person, reporters: list[Person]) -> None:
        """Everybody with a good name takes a share of what the model disagrees with."""
        for reporter in reporters:
            paid = 0
            for contribution in author.added:
                try:
                    paid += self.system.report(contribution, sender=reporter.account)
                except TransactionRefused:
                    continue
            valid = self.system.num_valid(reporter.account)
            self.say(f"{reporter.name}, {valid} validated, reports {author.name}: {ether(paid)}")

    def claim_the_rest(self, creator: Person) -> None:
        """The creator takes what nobody claimed."""
        options = self.system.compiled.options
        self.system.wait(options.owner_claim_wait)
        paid, count = 0, 0
        for contribution in self.system.contributions():
            if self.system.claimable(contribution):
                paid += self.system.report(contribution, sender=creator.account)
                count += 1
        self.say(f"{creator.name} takes what is left of {count} deposits: {ether(paid)}")

    def show_balances(self) -> None:
        """Who won and who lost; the contract keeps nothing."""
        balance = self.system.evm.balance
        for person in self.people:
            change = balance(person.account) - person.before
            gained = f"{'+' if change > 0 else ''}{ether(change)}"
            valid = self.system.num_valid(person.account)
            self.numbers[person.name] = change
            self.say(f"{person.name:<6} {gained:<14} {valid} validated")
        left = balance(self.system.address)
        self.numbers["left"] = left
        self.say(f"the contract holds {ether(left)}")
