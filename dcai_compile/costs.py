"""What every operation of a fused system costs, predicted: for layouts and for rules that no EVM has.

An operation's gas is what the chain charges for calldata, events, slots, accounts and code, counted
exactly for the sample at hand, and what computing takes. Computing is a sum of counts (elements,
lanes, slots, words of the base) times constants, which `benchmarks/fit_costs.py` has fitted to gas
measured on a test EVM; they stand in `cost_constants.py`, in hundredths of gas, by `profile`: the
template and encoding that a contract is made with.

`Costs` describes each operation as `Work` and prices it; see `work.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dcai_compile import abi, calls
from dcai_compile.calls import Contribution
from dcai_compile.cost_constants import COMPUTING
from dcai_compile.cost_profiles import profile
from dcai_compile.errors import CompilerPanic
from dcai_compile.families import family_of
from dcai_compile.incentives import incentive_of
from dcai_compile.kernel import kernel_of
from dcai_compile.model import Mirror
from dcai_compile.rules import Rules
from dcai_compile.tiles import Tiles
from dcai_compile.touches import Touches, read_by_prediction, written_by_update
from dcai_compile.work import Work, predicted_gas
from dcai_compile.yul import division_gas

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled, Contract

AUTHOR = b"\x5a" * 20
TIME = 1_900_000_000
"""In calldata for what is not known: an address, a time."""

DEPLOYMENT = "deployment"
"""The name of the constants that creating a contract is priced with, whatever it is."""


class Costs:
    """The operations of a system of one compiled model, as work.

    A mirror that is passed in says what the model has learned when the operation begins.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.layout = compiled.layout
        integers = compiled.integers
        self.encoding = integers.encoding
        table = family_of(integers.model.family).code_table(integers)
        delta = self.layout.delta
        self._tiles: Tiles | None = family_of(integers.model.family).context(integers).get("tiles")
        columns = table.values.shape[1] if self._tiles is None else self._tiles.rows
        self.rows = delta.table.rows if delta is not None else columns
        self.profile = profile(integers, self.layout, self.rows)
        self._base_rows = len(table.values)
        self._kernel = kernel_of(integers.encoding, table.values.shape[1], table.bits)
        incentive = incentive_of(compiled.options)
        self.takes_money = incentive is not None and incentive.takes_money

    @property
    def known(self) -> bool:
        """Whether computing has been fitted for contracts like this."""
        return self.profile in COMPUTING

    @property
    def constants(self) -> Mapping[str, int]:
        """Gas of computing, in hundredths. Raises `CompilerPanic` where it was never fitted."""
        if not self.known:
            raise CompilerPanic(f"no constants were fitted for {self.profile}")
        return COMPUTING[self.profile]

    def gas(self, work: Work, rules: Rules) -> int:
        """Gas of an operation, predicted."""
        constants = self.constants if work.code is None else COMPUTING.get(DEPLOYMENT, {})
        return predicted_gas(work, rules, constants)

    # Operations.

    def predict(self, mirror: Mirror, sample: Sequence[int]) -> Work:
        """A prediction that is asked for as a call."""
        data = abi.sample_call(abi.PREDICT, sample)
        touches = self._read(mirror, sample)
        counts = self._scored(mirror, touches, sample)
        return Work(data, touches, computing=counts, accounts=self._accounts(sample), called=True)

    def update(self, mirror: Mirror, sample: Sequence[int], label: int) -> Work:
        """A lesson that the owner of a bare classifier gives; teaches `mirror`."""
        work = self.add(mirror, sample, label)
        data = abi.update_call(sample, label)
        # The owner is read, and there is neither record nor event.
        return replace(work, data=data, extra=(1, 0, 0), events=(), value=False)

    def add(self, mirror: Mirror, sample: Sequence[int], label: int) -> Work:
        """A contribution with exactly the deposit; teaches `mirror`."""
        before = {name: lanes.copy() for name, lanes in mirror.state().items()}
        touches, counts, accounts = Touches(), _named("add", call=1, element=len(sample)), 0
        if self._predicts_first:
            touches, accounts = self._read(mirror, sample), self._accounts(sample)
            counts |= self._scored(mirror, touches, sample)
        mirror.update_encoded(sample, label)
        update = written_by_update(self.layout, before, mirror.state())
        if update.changes:
            counts |= _named(
                "update",
                write=update.written,
                relearned=update.relearned,
                place=self._placed(sample),
                carry=update.carries,
                slow=update.slow,
            )
            # What every update has alike is in the constants of `add` where none is without one.
            if self._predicts_first:
                counts |= _named("update", call=1, lane=len(sample) * update.rows)
            elif self.encoding.is_sparse:
                counts |= _named("update", base_word=self._base_words(sample))
        # The record is created, the totals are rewritten.
        return Work(
            abi.add_data_call(sample, label),
            touches | update,
            (2, 1, 1),
            counts,
            ((2, 32 * (5 + len(sample))),),
            accounts,
            value=self.takes_money,
        )

    def refund(
        self, mirror: Mirror, sample: Sequence[int], label: int, first: bool = False
    ) -> Work:
        """A refund; `first` is the author's first one, which creates a reputation."""
        data = calls.refund(_contribution(sample, label))
        # Record, totals, reputation.
        extra = (3, 2, 1) if first else (3, 3, 0)
        return self._claimed("refund", data, mirror, sample, extra)

    def report_share(self, mirror: Mirror, sample: Sequence[int], label: int) -> Work:
        """A report that brings a share of the deposit."""
        # Record; totals and reputation are only read, and who created the model where it is early.
        return self._claimed(
            "share", calls.report(_contribution(sample, label)), mirror, sample, (3, 1, 0)
        )

    def report_all(self, sample: Sequence[int], label: int) -> Work:
        """A report by the creator that takes all that is left."""
        return self._claimed(
            "all", calls.report(_contribution(sample, label)), None, sample, (2, 1, 0)
        )

    def deploy(self) -> dict[str, Work]:
        """The creation of each contract, by name; handing them over is no part of it."""
        from dcai_compile.deploy import encode_arguments

        places = {part.name: "0x" + AUTHOR.hex() for part in self.compiled.contracts}
        return {
            part.name: self._created(part, part.initcode + encode_arguments(part, places))
            for part in self.compiled.contracts
        }

    # Parts of them.

    @property
    def _predicts_first(self) -> bool:
        # Lanes of all rows change where each row's step depends on its score.
        delta = self.layout.delta
        return delta is not None and not delta.table.one_row

    def _read(self, mirror: Mirror, sample: Sequence[int]) -> Touches:
        return read_by_prediction(self.layout, self.encoding, mirror.state(), sample)

    def _base_words(self, sample: Sequence[int]) -> int:
        whole = self.layout.base_place == "own_code" or not self.encoding.is_sparse
        rows = self._base_rows if whole else len(sample)
        return -(-rows * self.layout.row_bytes // 32)

    def _accounts(self, sample: Sequence[int]) -> int:
        """Data contracts that a prediction reads."""
        parts = self.layout.base_parts
        if not self.encoding.is_sparse:
            return len(parts)
        features = {feature for feature, _ in self.encoding.entries(sample)}
        return sum(any(part.first <= f < part.end for f in features) for part in parts)

    def _scored(self, mirror: Mirror, touches: Touches, sample: Sequence[int]) -> dict[str, int]:
        length, delta, words = len(sample), self.layout.delta, self._base_words(sample)
        if self._tiles is not None:
            counts = _named(
                "predict",
                call=1,
                base_word=words,
                memory=(words + length + 4 * self._tiles.tile_blocks) ** 2 // 512,
                block=self._tiles.blocks,
                load=touches.loads,
                carried=touches.carried,
            )
            return counts | self._tiled(touches)
        counts = _named(
            "predict",
            call=1,
            row=self.rows,
            lane=length * self.rows,
            base_word=words,
            memory=(words + length) ** 2 // 512,
            load=touches.loads,
            taught=touches.taught,
            carried=touches.carried,
        )
        if not self.encoding.is_sparse:
            learned = self.rows if touches.taught else 0
            counts |= _named("predict", slot=0 if delta is None else delta.slots, learned=learned)
            if delta is None or not delta.table.whole_rows:
                return counts | self._multiplied(sample)
            whole = touches.rows_taught
            counts |= _named("predict", whole=whole, whole_lane=whole * length)
            if whole < self.rows:
                return counts | _named("predict", some=1) | self._multiplied(sample)
            return counts | _named("predict", checked=length)
        # Where rows lie by themselves, slots are not looked for before anything was taught.
        placed = self.rows if touches.rows_taught or not (delta and delta.row_by_row) else 0
        return counts | _named(
            "predict",
            element=length,
            asked=touches.asked,
            walked=length if touches.rows_taught else 0,
            scattered=length if len(self.layout.base_parts) > 1 else 0,
            **mirror.effort(sample),
            bit=self.rows * length.bit_length(),
            pointer=length * division_gas(self.layout.row_bytes),
            place=placed * self._placed(sample),
        )

    def _tiled(self, touches: Touches) -> dict[str, int]:
        """What multiplying a sample takes that has become tiles."""
        assert self._tiles is not None
        delta, product = self.layout.delta, self._tiles.tile_blocks * self.rows
        if delta is None or not delta.table.whole_rows:
            learned = self.rows if touches.taught else 0
            return _named("predict", product=product, learned=learned)
        whole = touches.rows_taught
        counts = _named("predict", whole=whole, whole_block=whole * self._tiles.blocks)
        return counts | (_named("predict", some=1, product=product) if whole < self.rows else {})

    def _multiplied(self, sample: Sequence[int]) -> dict[str, int]:
        """What multiplying a dense sample takes: words of tiles, or pairs of features that are not all zero."""
        kernel = self._kernel
        if kernel is None:
            return {}
        pairs = [sample[at : at + 2] for at in range(0, len(sample), 2)]
        worth = sum(any(pair) for pair in pairs) if kernel.skips else len(pairs)
        sums = sum(len(part.sums) for part in kernel.passes)
        loads = sum(len(part.loads) for part in kernel.passes)
        return _named(
            "predict",
            passed=len(pairs) * len(kernel.passes),
            pair=worth * len(kernel.passes),
            product=worth * sums,
            word=worth * loads,
        )

    def _placed(self, sample: Sequence[int]) -> int:
        """What finding the slots of a sample's features takes, a row."""
        delta = self.layout.delta
        if delta is None or not self.encoding.is_sparse:
            return 0
        return len(sample) * division_gas(delta.group or delta.stride)

    def _claimed(
        self,
        name: str,
        data: bytes,
        mirror: Mirror | None,
        sample: Sequence[int],
        extra: tuple[int, int, int],
    ) -> Work:
        counts, read, accounts = _named(name, call=1, element=len(sample)), Touches(), 0
        if mirror is not None:
            read, accounts = self._read(mirror, sample), self._accounts(sample)
            counts |= self._scored(mirror, read, sample)
        return Work(data, read, extra, counts, ((1, 64),), accounts, pays=int(self.takes_money))

    def _created(self, part: Contract, initcode: bytes) -> Work:
        words = -(-len(initcode) // 32)
        slots = 0
        extra = (0, 0, 0)
        if part is self.compiled.main:
            delta = self.layout.delta
            if delta is not None and delta.warm:
                slots = delta.slots + delta.flag_slots
                slots += sum(stored.slots for stored in self.layout.stored)
            # The owner, and of a fused system the totals.
            created = slots + (1 if self.compiled.options.incentive is None else 2)
            extra = (created, 0, created)
            counts = _named("deploy", call=1, word=words, slot=slots, part=len(part.arguments))
        elif part.name in {base.name for base in self.compiled.sources.data_contracts}:
            counts = _named("base", call=1, word=words)
        else:
            extra = (1, 0, 1)
            counts = _named("part", call=1, word=words)
        counts |= _named("created", memory=words * words // 512)
        return Work(initcode, Touches(), extra, counts, code=len(part.runtime))


def _named(part: str, /, **counts: int) -> dict[str, int]:
    return {f"{part} {name}": count for name, count in counts.items() if count}


def _contribution(sample: Sequence[int], label: int) -> Contribution:
    """A contribution of nobody in particular, for the calldata of claims."""
    return Contribution(tuple(sample), label, "", TIME, "0x" + AUTHOR.hex(), 0)
