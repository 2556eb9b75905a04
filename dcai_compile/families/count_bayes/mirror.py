"""The counting contract in Python integers, step for step as in `templates/count_bayes.sol.j2`."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.decision import first_of_highest, tie_probes
from dcai_compile.encoding import INT64_MAX, Sample
from dcai_compile.families.count_bayes.integers import CountIntegers
from dcai_compile.families.count_bayes.products import (
    Entries,
    Number,
    groups,
    power_product,
    product,
)
from dcai_compile.families.count_bayes.ratios import Ratios
from dcai_compile.fixed import evm_div
from dcai_compile.model import Mirror, Revert
from dcai_compile.wire import check_sample, heavy_samples, limit_samples

ONE_PACKED = bigfloat.pack(1 << 127, -127)
"""1.0: what a product that no update has changed was multiplied by."""


class CountMirror(Mirror):
    """State of a counting contract: what updates have counted, all zero at first."""

    integers: CountIntegers

    def __init__(self, integers: CountIntegers) -> None:
        super().__init__(integers)
        n_classes, n_features = integers.counts.shape
        self.delta = np.zeros((n_features, n_classes), dtype=np.int64)
        self.samples = [0] * n_classes
        self.totals = [0] * n_classes
        self.ratios = [ONE_PACKED] * n_classes

    # ENCODE

    def encode_check(self, sample: Sequence[int]) -> None:
        integers = self.integers
        sizes = integers.model.sizes
        if sizes:
            if len(sample) != len(sizes):
                raise Revert("SampleLengthMismatch", len(sizes), len(sample))
            for position, index in enumerate(sample):
                first = integers.offsets[position]
                if not first <= index < first + sizes[position]:
                    raise Revert("CategoryOutOfRange", position, index)
            return
        check_sample(integers.encoding, sample)
        if not integers.encoding.is_counts:
            for position, (_, value) in enumerate(integers.encoding.entries(sample)):
                if value < 0:
                    raise Revert("NegativeFeatureValue", position, value)

    # SCORE

    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        state = Snapshot(self)
        rows = [state.scores(sample.tolist()) for sample in samples]
        n_classes = self.integers.model.n_classes
        return np.array(rows, dtype=object).reshape(len(samples), n_classes)

    # DECIDE

    def decide(self, scores: Sequence[int]) -> int:
        return first_of_highest(scores, self.integers.model.n_classes)

    # UPDATE

    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        integers = self.integers
        self.update_check(sample, classification, integers.updatable)
        n_classes = integers.model.n_classes
        entries = list(integers.encoding.entries(sample))
        if not integers.encoding.is_counts:
            for position, (_, value) in enumerate(entries):
                if value > integers.max_value:
                    raise Revert("FeatureValueOutOfRange", position, value, integers.max_value)
        _, limit = self.reach or (0, integers.digits.maximum)
        lanes = self.delta.copy()
        total = 0
        ratios = Ratios(self) if integers.model.norm else None
        for feature, value in entries:
            if value == 0:
                continue
            if ratios:
                ratios.add(lanes, feature, value * integers.grain, classification)
            lane = feature * n_classes + classification
            moved = int(lanes[feature, classification]) + value * integers.grain
            if moved > limit:
                raise Revert("LaneOverflow", lane, moved)
            lanes[feature, classification] = moved
            total += value * integers.grain
        seen = self.samples[classification] + integers.grain
        counted = self.totals[classification] + total
        for value, field in zip((seen, counted), integers.fields, strict=True):
            if value > field.maximum:
                lane = integers.encoding.n_features * n_classes + classification
                raise Revert("LaneOverflow", lane, value)
        self.delta = lanes
        self.samples[classification] = seen
        self.totals[classification] = counted
        if ratios:
            self.ratios = ratios.result(classification)

    # State

    def counts(self) -> NDArray[np.object_]:
        """Counts as they are now, in units, shape (n_classes, n_features)."""
        return np.asarray(self.integers.counts.astype(object) + self.delta.T.astype(object))

    def class_counts(self) -> list[int]:
        """Samples of each class as they are now, in ``1 / grain``."""
        return [n + d for n, d in zip(self.integers.class_counts, self.samples, strict=True)]

    def class_totals(self) -> list[int]:
        """All that was counted of each class, in units."""
        return [n + d for n, d in zip(self.integers.totals, self.totals, strict=True)]

    def state(self) -> dict[str, NDArray[Any]]:
        if not self.integers.updatable:
            return {}
        pairs = [value for pair in zip(self.samples, self.totals, strict=True) for value in pair]
        found: dict[str, NDArray[Any]] = {"classDelta": np.array(pairs, dtype=object)}
        if self.integers.model.norm:
            found["productDelta"] = np.array([r - ONE_PACKED for r in self.ratios], dtype=object)
        return {**found, "delta": self.delta.ravel()}

    def parameters(self) -> list[int]:
        """Counts feature by feature, then the samples and the total of each class, and its product."""
        counts = self.counts().T.ravel().tolist()
        classes = zip(self.class_counts(), self.class_totals(), strict=True)
        return [*counts, *(value for pair in classes for value in pair), *self.products()]

    def products(self) -> list[int]:
        """The product of a class's complement numerators, packed; empty without norm."""
        return [
            bigfloat.pack(*bigfloat.mul(*bigfloat.unpack(published), *bigfloat.unpack(ratio)))
            for published, ratio in zip(self.integers.log_products, self.ratios, strict=False)
        ]

    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        integers = self.integers
        scale = integers.encoding.scale
        if integers.model.norm:
            return scores.astype(np.float64) / (2.0**64 * scale)
        real = np.array([[bigfloat.to_log(s) / scale for s in row] for row in scores.tolist()])
        if integers.model.has_prior and integers.priors is None:
            real = real - log(sum(self.class_counts()))
        return real.reshape(scores.shape)

    def to_estimator(self) -> Any:
        from dcai_compile.families import behind_client
        from dcai_compile.families.count_bayes.extract import restore

        model = self.integers.model
        return behind_client(model, restore(model, *self.real_counts()))

    def real_counts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Counts, shape (n_classes, n_features), and samples, (n_classes,), as the nearest doubles."""
        unit = self.integers.unit
        counts = np.array([[float(c * unit) for c in row] for row in self.counts().tolist()])
        return counts, np.array([n / self.integers.grain for n in self.class_counts()])

    def effort(self, sample: Sequence[int]) -> dict[str, int]:
        kind, encoding = self.integers.model.kind, self.integers.encoding
        if kind not in ("multinomial", "complement") or not encoding.is_counts:
            return {}
        rows = ([row[f] for f in sample] for row in Snapshot(self).numerators)
        found = [groups(factors, self.integers.factor_bits) for factors in rows]
        return {"group": sum(g for g, _ in found), "single": sum(s for _, s in found)}

    # Probes

    def probe_samples(self) -> list[list[int]]:
        integers = self.integers
        if not integers.model.sizes:
            return limit_samples(integers.encoding, integers.max_value)
        first = list(integers.offsets)
        last = [o + s - 1 for o, s in zip(first, integers.model.sizes, strict=True)]
        around = [[*first[:-1], value] for value in (first[-1] - 1, last[-1], last[-1] + 1)]
        wide = [[*first[:-1], value] for value in (-1, 1 << 32, INT64_MAX, -INT64_MAX - 1)]
        return [[], first, last, first[:-1], [*first, first[0]], *around, *wide]

    def heavy_samples(self) -> list[list[int]]:
        integers = self.integers
        if integers.model.sizes:
            return super().heavy_samples()
        samples = heavy_samples(integers.encoding, integers.max_value)
        return [sample for sample in samples if self.is_readable(sample)]

    def probe_scores(self) -> list[list[int]]:
        return tie_probes(self.integers.model.n_classes)


class Snapshot:
    """A mirror's parameters at one moment, as plain integers: what many samples share."""

    def __init__(self, mirror: CountMirror) -> None:
        integers = self.integers = mirror.integers
        model = integers.model
        self.class_counts = mirror.class_counts()
        counts = mirror.counts()
        if model.kind == "complement":
            counts = counts.sum(axis=0) - counts
        alpha = np.array(integers.alpha, dtype=object)
        self.numerators: list[list[int]] = (counts * integers.factor_m + alpha).tolist()
        self.absent: list[list[int]] = []
        if model.kind == "bernoulli":
            samples = np.array(self.class_counts, dtype=object).reshape(-1, 1)
            self.absent = ((samples - counts) * integers.factor_m + alpha).tolist()
        totals = mirror.class_totals()
        if model.kind == "complement":
            totals = [sum(totals) - total for total in totals]
        self.denominators = [t * integers.factor_m + integers.alpha_sum for t in totals]
        self.products = mirror.products()

    def scores(self, sample: Sequence[int]) -> list[int]:
        """Packed scores of a valid sample, one a class."""
        entries = list(self.integers.encoding.entries(sample))
        score = getattr(self, f"_{self.integers.model.kind}")
        return [score(row, entries) for row in range(self.integers.model.n_classes)]

    def _multinomial(self, row: int, entries: Entries) -> int:
        if self._prior(row) == bigfloat.ZERO:
            return bigfloat.ZERO
        if self.integers.prior_is_factor:
            above, below = self._ratio(row, entries, self.class_counts[row])
            return bigfloat.pack(*bigfloat.div(*above, *below))
        above, below = self._ratio(row, entries)
        return self._with_prior(row, bigfloat.div(*above, *below))

    def _complement(self, row: int, entries: Entries) -> int:
        below, above = self._ratio(row, entries)
        if not self.integers.model.norm:
            return bigfloat.pack(*bigfloat.div(*above, *below))
        # Two logarithms of numbers below 1, and the score is their quotient. With two features or
        # more, half of the complement's probability or less is one feature's: log_all is below 0.
        features = self.integers.encoding.n_features
        log_all = bigfloat.log2_x64(*bigfloat.unpack(self.products[row]))
        log_all -= features * bigfloat.log2_x64(*bigfloat.normalize(self.denominators[row], 0))
        weight = bigfloat.log2_x64(*below) - bigfloat.log2_x64(*above)
        return evm_div(weight << 64, log_all)

    def _bernoulli(self, row: int, entries: Entries) -> int:
        if self._prior(row) == bigfloat.ZERO:
            return bigfloat.ZERO
        present = {feature for feature, _ in entries}
        factors = [
            here if feature in present else absent
            for feature, (here, absent) in enumerate(
                zip(self.numerators[row], self.absent[row], strict=True)
            )
        ]
        above = product(factors, self.integers.factor_bits)
        # alpha is one number here, so that its sum over two outcomes is the same for every feature.
        whole = self.class_counts[row] * self.integers.factor_m + 2 * self.integers.alpha[0]
        below = bigfloat.pow_int(whole, self.integers.encoding.n_features)
        return self._with_prior(row, bigfloat.div(*above, *below))

    def _categorical(self, row: int, entries: Entries) -> int:
        if self._prior(row) == bigfloat.ZERO:
            return bigfloat.ZERO
        integers = self.integers
        own = self.class_counts[row] * integers.factor_m
        above = product([self.numerators[row][f] for f, _ in entries], integers.factor_bits)
        wholes = [own + integers.alpha[0] * size for size in integers.model.sizes]
        below = product(wholes, integers.factor_bits)
        return self._with_prior(row, bigfloat.div(*above, *below))

    def _ratio(self, row: int, entries: Entries, last: int = 1) -> tuple[Number, Number]:
        """The product of the numerators and of `last`, and the denominator to the power of all values."""
        factors = [self.numerators[row][feature] for feature, _ in entries]
        values = [value for _, value in entries]
        if self.integers.encoding.is_counts:
            above = product(factors, self.integers.factor_bits, last)
        else:
            above = power_product(factors, values, self.integers.factor_bits)
        return above, bigfloat.pow_int(self.denominators[row], sum(values))

    def _prior(self, row: int) -> int:
        if self.integers.priors is not None:
            return self.integers.priors[row]
        return self.class_counts[row] or bigfloat.ZERO

    def _with_prior(self, row: int, likelihood: Number) -> int:
        if self.integers.priors is not None:
            prior = bigfloat.unpack(self.integers.priors[row])
        else:
            prior = bigfloat.pow_int(self.class_counts[row], self.integers.encoding.scale)
        return bigfloat.pack(*bigfloat.mul(*prior, *likelihood))
