"""The rules of trainer and incentives in plain Python, written from DCAI's description of them.

Knows nothing of storage, keys or Solidity: a contribution is an object, money is an integer. What
it says must happen is what both layouts must do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt

from dcai_compile.model import Mirror, Options, Revert

HOUR = 3600


class Refused(Exception):
    """The name of the error that the contracts must answer with."""


@dataclass
class Entry:
    """One contribution and what became of it."""

    data: tuple[int, ...]
    classification: int
    time: int
    author: str
    deposit: int
    claimable: int
    claimed: list[str] = field(default_factory=list)


class Oracle:
    """One system: who owns what, and what the model has learned."""

    def __init__(self, mirror: Mirror, options: Options, creator: str, born: int) -> None:
        self.mirror = mirror
        self.options = options
        self.creator = creator
        self.last = born
        self.submitted = 0
        self.entries: list[Entry] = []
        self.valid: dict[str, int] = defaultdict(int)
        self.paid_in: dict[str, int] = defaultdict(int)
        self.paid_out: dict[str, int] = defaultdict(int)

    @property
    def money(self) -> bool:
        return self.options.incentive == "stakeable"

    @property
    def balance(self) -> int:
        """What the trainer must hold."""
        return sum(entry.claimable for entry in self.entries)

    def cost(self, now: int) -> int:
        if not self.money:
            return 0
        return int(Fraction(self.options.cost_weight * HOUR, max(1, isqrt(now - self.last))))

    def prediction(self, data: tuple[int, ...]) -> int:
        import numpy as np

        scores = self.mirror.scores([np.array(data, np.int64)])[0]
        return self.mirror.decide(scores)

    def add(
        self,
        data: tuple[int, ...],
        classification: int,
        sender: str,
        value: int,
        most: int,
        now: int,
    ) -> Entry:
        if not data:
            raise Refused("EmptySample")
        cost = self.cost(now)
        if value < cost:
            raise Refused("DepositTooLow")
        twin = [
            entry
            for entry in self.entries
            if (entry.data, entry.classification, entry.time, entry.author)
            == (data, classification, now, sender)
        ]
        if any(entry.claimable for entry in twin):
            raise Refused("ContributionExists")
        try:
            self.mirror.update_encoded(list(data), classification)
        except Revert as revert:
            raise Refused(revert.name) from None
        assert cost <= most, "the caller checks it: a refusal must not teach the mirror"
        for entry in twin:
            self.entries.remove(entry)
        entry = Entry(data, classification, now, sender, cost, cost)
        self.entries.append(entry)
        self.last = now
        self.submitted += 1
        self.paid_in[sender] += cost
        return entry

    def refund(self, entry: Entry, sender: str, now: int) -> int:
        if sender != entry.author:
            raise Refused("ContributionUnknown")
        self._open(entry)
        self._waited(entry, now, self.options.refund_wait)
        if self.prediction(entry.data) != entry.classification:
            raise Refused("ModelDisagrees")
        self.valid[sender] += 1
        return self._pay(entry, sender, entry.claimable)

    def report(self, entry: Entry, sender: str, now: int) -> int:
        self._open(entry)
        waited = now - entry.time
        others = waited >= self.options.any_address_claim_wait
        if waited >= self.options.owner_claim_wait and not (self.options.open_claims and others):
            if sender == entry.author and not self.options.open_claims:
                raise Refused("OwnContribution")
            if sender != self.creator and others and not self.valid[sender]:
                raise Refused("NoValidatedContribution")
        takes_all = others or (sender == self.creator and waited >= self.options.owner_claim_wait)
        if takes_all:
            return self._pay(entry, sender, entry.claimable)
        if sender == entry.author:
            raise Refused("OwnContribution")
        if sender in entry.claimed:
            raise Refused("AlreadyClaimed")
        self._waited(entry, now, self.options.refund_wait)
        if self.prediction(entry.data) == entry.classification:
            raise Refused("ModelAgrees")
        if not self.valid[sender]:
            raise Refused("NoValidatedContribution")
        share = int(Fraction(entry.deposit * self.valid[sender], sum(self.valid.values())))
        if not self.money or share == 0 or share > entry.claimable:
            share = entry.claimable
        return self._pay(entry, sender, share)

    def _open(self, entry: Entry) -> None:
        if self.money and not entry.claimable:
            raise Refused("NothingToClaim")
        if not self.money and entry.claimed:
            raise Refused("AlreadyClaimed")

    def _waited(self, entry: Entry, now: int, wait: int) -> None:
        if now - entry.time < wait:
            raise Refused("TooEarly")

    def _pay(self, entry: Entry, to: str, amount: int) -> int:
        entry.claimable -= amount
        entry.claimed.append(to)
        self.paid_out[to] += amount
        return amount
