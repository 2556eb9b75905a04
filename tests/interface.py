"""DCAI's external interface, row by row, called through DCAI's own signatures on both layouts.

    python -m tests.interface            print the table
    python -m tests.interface --write    write it to COMPATIBILITY.md

Source of the rows: the compiled ABI of microsoft/0xDeCA10B, "Sharing Updatable Models on Blockchain".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from dcai_compile import abi
from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from tests import systems

# One row is one line where it fits; what differs from DCAI is said in a sentence.
# ruff: noqa: E501
DOCUMENT = Path(__file__).parent.parent / "COMPATIBILITY.md"
GOOD, BAD = [4, 6], [5, 7]
KEY = "int64[],uint64,uint256,address"


class Scene:
    """A system in which one contribution was refunded and another, of a wrong label, is open."""

    def __init__(self, layout: str, incentive: str, model: str) -> None:
        self.layout = layout
        self.system: Deployment = systems.fresh(layout, incentive, model=model)
        self.creator, self.author, self.other = self.system.evm.accounts[:3]
        self.system.packs = False  # through DCAI's own functions
        self.good = self.system.add_encoded(GOOD, 1, sender=self.author)
        self.system.wait(3600)
        self.bad = self.system.add_encoded(BAD, 0, sender=self.other)
        self.system.wait(systems.REFUND_WAIT)
        self.system.refund(self.good)

    def part(self, name: str) -> str:
        """Address of a part, which is found as DCAI's clients find it."""
        if name == "trainer":
            return self.system.address
        pointer = {
            "data handler": "dataHandler()",
            "incentive": "incentiveMechanism()",
            "classifier": "classifier()",
        }[name]
        output = systems.call(self.system.evm, self.system.address, pointer).output
        return str(decode(["address"], output)[0])

    def ask(self, part: str, signature: str, returns: str, *values: Any) -> Any:
        """What a view function returns: one value, or a tuple of several; or its error."""
        result = systems.call(self.system.evm, self.part(part), signature, *values)
        if not result.success:
            return systems.error_of(self.system, result)
        types = returns.split(",")
        found = decode(types, result.output)
        return found[0] if len(types) == 1 else found

    def tell(self, part: str, signature: str, *values: Any, sender: str, value: int = 0) -> Any:
        """Events by name and result of a transaction; or its error."""
        address = self.part(part)
        result = systems.send(
            self.system.evm, address, signature, *values, sender=sender, value=value
        )
        if not result.success:
            return systems.error_of(self.system, result)
        return [EVENTS.get(log.topics[0], "?") for log in result.logs]

    def key(self, contribution: Contribution) -> tuple[Any, ...]:
        return (
            contribution.data,
            contribution.classification,
            contribution.time,
            contribution.author,
        )

    def data_key(self, contribution: Contribution) -> bytes:
        """keccak256(abi.encodePacked(data, classification, time, author))"""
        words = b"".join(abi.word(value) for value in contribution.data)
        rest = contribution.classification.to_bytes(8, "big") + abi.word(contribution.time)
        return keccak(words + rest + bytes.fromhex(contribution.author[2:]))


EVENTS = {
    abi.topic(signature): signature
    for signature in (
        "AddData(int64[],uint64,uint256,address,uint256)",
        "Refund(address,uint256)",
        "Report(address,uint256)",
        "Refund(address)",
        "Report(address)",
        "OwnershipTransferred(address,address)",
    )
}


@dataclass(frozen=True)
class Row:
    """One function or event: how it is called, what must come back, where we differ from DCAI."""

    part: str
    what: str
    call: Callable[[Scene], Any]
    expected: Callable[[Scene], Any]
    deviation: str = ""
    incentive: str = "stakeable"
    model: str = "perceptron"


def view(
    part: str,
    signature: str,
    returns: str,
    values: Callable[[Scene], tuple[Any, ...]],
    expected: Callable[[Scene], Any],
    deviation: str = "",
    incentive: str = "stakeable",
) -> Row:
    """A row of a function that changes nothing."""
    return Row(
        part,
        f"{signature} → {returns}",
        lambda s: s.ask(part, signature, returns, *values(s)),
        expected,
        deviation,
        incentive,
    )


def constant(part: str, signature: str, returns: str, expected: Any, deviation: str = "") -> Row:
    """A row of a view without arguments that has one fixed answer."""
    return view(part, signature, returns, lambda s: (), lambda s: expected, deviation)


def deposit(seconds: int) -> int:
    from math import isqrt

    return systems.COST_WEIGHT * 3600 // max(1, isqrt(seconds))


def _record(s: Scene) -> tuple[Any, ...]:
    money = (s.bad.deposit, s.bad.deposit, 0)
    if s.layout == "fused":
        return (0, 0, "0x" + "0" * 40, *money)
    return (s.bad.classification, s.bad.time, s.bad.author.lower(), *money)


def _next_cost(s: Scene, seconds: int) -> int:
    return deposit(s.system.evm.timestamp() + seconds - s.bad.time)


REFUSED = "NotOwner"
ONE_SLOT = (
    "fused: c, t and sender are 0, because the key commits to them and one slot holds the rest"
)
OWNER_ONLY = "fused: not there, since nobody but the contract itself could call it"

TRAINER = [
    constant("trainer", "name()", "string", "Words"),
    constant("trainer", "description()", "string", "which words"),
    constant("trainer", "encoder()", "string", "none"),
    Row("trainer", "dataHandler() → address", lambda s: s.part("data handler") != "0x" + "0" * 40, lambda s: True),
    Row("trainer", "incentiveMechanism() → address", lambda s: s.part("incentive") != "0x" + "0" * 40, lambda s: True),
    Row("trainer", "classifier() → address", lambda s: s.part("classifier") != "0x" + "0" * 40, lambda s: True),
    Row(
        "trainer",
        "addData(int64[],uint64) payable, event AddData(int64[] d, uint64 c, uint256 t, address indexed sender, uint256 cost)",
        lambda s: s.tell("trainer", "addData(int64[],uint64)", GOOD, 1, sender=s.author, value=10**20),
        lambda s: ["AddData(int64[],uint64,uint256,address,uint256)"],
        "an empty sample is refused, and so is one that names a feature more often than training did twice over",
    ),
    Row(
        "trainer",
        "report(int64[],uint64,uint256,address), event Report(address,uint256)",
        lambda s: s.tell("trainer", f"report({KEY})", *s.key(s.bad), sender=s.author),
        lambda s: ["Report(address,uint256)"],
        "the owner's claim is the creator's; nobody reports himself; what is left in the end goes to the "
        "creator or to others with a validated contribution (option open_claims=True for DCAI's rule)",
    ),
    Row(
        "trainer",
        "refund(int64[],uint64,uint256), event Refund(address,uint256)",
        lambda s: s.tell("trainer", "refund(int64[],uint64,uint256)", *s.key(_another(s))[:3], sender=s.author),
        lambda s: ["Refund(address,uint256)"],
    ),
    Row(
        "trainer",
        "report and refund of Points, events Report(address), Refund(address)",
        lambda s: s.tell("trainer", f"report({KEY})", *s.key(s.bad), sender=s.author)
        + s.tell("trainer", "refund(int64[],uint64,uint256)", *s.key(_another(s))[:3], sender=s.author),
        lambda s: ["Report(address)", "Refund(address)"],
        incentive="points",
    ),
]  # fmt: skip


def _another(s: Scene) -> Contribution:
    """One more good contribution, old enough for a refund."""
    s.system.wait(3600)
    contribution = s.system.add_encoded(GOOD, 1, sender=s.author)
    s.system.wait(systems.REFUND_WAIT)
    return contribution


DATA_HANDLER = [
    view("data handler", f"getClaimableAmount({KEY})", "uint256", lambda s: s.key(s.bad), lambda s: s.bad.deposit),
    view("data handler", f"getInitialDeposit({KEY})", "uint256", lambda s: s.key(s.good), lambda s: s.good.deposit),
    view("data handler", f"getNumClaims({KEY})", "uint256", lambda s: s.key(s.good), lambda s: 1),
    view("data handler", f"hasClaimed({KEY},address)", "bool", lambda s: (*s.key(s.good), s.author), lambda s: True),
    view("data handler", "isDataEqual(int64[],int64[])", "bool", lambda s: ([1, -2], [1, -2]), lambda s: True),
    view(
        "data handler",
        "addedData(bytes32)",
        "uint64,uint256,address,uint256,uint256,uint256",
        lambda s: (s.data_key(s.bad),),
        _record,
        ONE_SLOT,
    ),
    Row(
        "data handler",
        "owner() → address",
        lambda s: s.ask("data handler", "owner()", "address"),
        lambda s: (s.creator if s.layout == "fused" else s.system.address).lower(),
        "fused: the model's creator",
    ),
    *[
        Row(
            "data handler",
            signature,
            lambda s, signature=signature, values=values: s.tell(
                "data handler", signature, *values, sender=s.creator
            ),
            lambda s: "a revert without data" if s.layout == "fused" else REFUSED,
            OWNER_ONLY,
        )
        for signature, values in (
            ("handleAddData(address,uint256,int64[],uint64)", ("0x" + "11" * 20, 1, [1], 0)),
            ("handleRefund(address,int64[],uint64,uint256)", ("0x" + "11" * 20, [1], 0, 1)),
            (
                "handleReport(address,int64[],uint64,uint256,address)",
                ("0x" + "11" * 20, [1], 0, 1, "0x" + "22" * 20),
            ),
            ("updateClaimableAmount(bytes32,uint256)", (b"\1" * 32, 1)),
        )
    ],
]  # fmt: skip

NOTHING = "0x" + "11" * 20
INCENTIVE = [
    constant("incentive", "refundWaitTimeS()", "uint32", systems.REFUND_WAIT, "at least 1"),
    constant("incentive", "ownerClaimWaitTimeS()", "uint32", systems.OWNER_WAIT),
    constant("incentive", "anyAddressClaimWaitTimeS()", "uint32", systems.ANY_WAIT),
    view("incentive", "getNextAddDataCost()", "uint256", lambda s: (), lambda s: _next_cost(s, 0)),
    view(
        "incentive",
        "getNextAddDataCost(uint256)",
        "uint256",
        lambda s: (s.system.evm.timestamp() + 3600,),
        lambda s: _next_cost(s, 3600),
    ),
    view("incentive", "getNextAddDataCost(int64[],uint64)", "uint256", lambda s: (GOOD, 1), lambda s: _next_cost(s, 0)),
    constant("incentive", "totalSubmitted()", "uint256", 2),
    constant("incentive", "totalGoodDataCount()", "uint256", 1),
    view("incentive", "addressStats(address)", "uint128,uint128", lambda s: (s.author,), lambda s: (1, 0)),
    view("incentive", "numValidForAddress(address)", "uint128", lambda s: (s.author,), lambda s: 1),
    constant("incentive", "costWeight()", "uint256", systems.COST_WEIGHT, "never 0: that is what Points is for"),
    view("incentive", "lastUpdateTimeS()", "uint256", lambda s: (), lambda s: s.bad.time),
    *[
        Row(
            "incentive",
            signature,
            lambda s, signature=signature, values=values: s.tell(
                "incentive", signature, *values, sender=s.creator
            ),
            lambda s: "a revert without data" if s.layout == "fused" else REFUSED,
            OWNER_ONLY,
        )
        for signature, values in (
            ("handleAddData(uint256,int64[],uint64)", (1, [1], 0)),
            (
                "handleRefund(address,int64[],uint64,uint256,uint256,bool,uint64,uint256)",
                (NOTHING, [1], 0, 1, 1, False, 0, 0),
            ),
            (
                "handleReport(address,int64[],uint64,uint256,address,uint256,uint256,bool,uint64,uint256)",
                (NOTHING, [1], 0, 1, NOTHING, 1, 1, False, 0, 0),
            ),
        )
    ],
]  # fmt: skip


def _weight(s: Scene) -> int:
    """Weight 0 as trained and not taught since, in DCAI's units."""
    return round(systems.perceptron().coef_[0][0] * 10**9)


def _intercept(s: Scene) -> int:
    """Trained, and moved by one wrong label: by a hundredth of the rate, as sparse samples do."""
    return round((systems.perceptron().intercept_[0] - 0.01) * 10**9)


CLASSIFIER = [
    view("classifier", "predict(int64[])", "uint64", lambda s: (GOOD,), lambda s: 1),
    Row(
        "classifier",
        "update(int64[],uint64)",
        lambda s: s.tell("classifier", "update(int64[],uint64)", GOOD, 1, sender=s.creator),
        lambda s: "TeachThroughAddData" if s.layout == "fused" else REFUSED,
        "fused: always reverts, whoever calls",
    ),
    view(
        "classifier",
        "norm(int64[])",
        "uint256",
        lambda s: (GOOD,),
        lambda s: "Normalization is not required.",
    ),
    constant("classifier", "toFloat()", "uint32", 10**9),
    view("classifier", "classifications(uint256)", "string", lambda s: (1,), lambda s: "1"),
    constant("classifier", "getNumClassifications()", "uint256", 2),
    view("classifier", "featureIndices(uint256)", "uint32", lambda s: (0,), lambda s: "IndexOutOfRange"),
    constant("classifier", "getNumFeatureIndices()", "uint256", 0),
    view("classifier", "weights(uint64)", "int80", lambda s: (0,), _weight),
    view("classifier", "intercept()", "int80", lambda s: (), _intercept),
    constant("classifier", "learningRate()", "uint32", 10**9),
    Row(
        "classifier",
        "owner() → address",
        lambda s: s.ask("classifier", "owner()", "address"),
        lambda s: (s.creator if s.layout == "fused" else s.system.address).lower(),
        "fused: the model's creator",
    ),
    Row(
        "classifier",
        "transferOwnership(address)",
        lambda s: s.tell("classifier", "transferOwnership(address)", s.other, sender=s.creator),
        lambda s: ["OwnershipTransferred(address,address)"] if s.layout == "fused" else REFUSED,
        "fused: hands the creator's rights over",
    ),
]  # fmt: skip


def shown(model: str, signature: str, returns: str, values: tuple[Any, ...], expected: Any) -> Row:
    """A row of what one kind of model shows of its parameters."""
    part = f"classifier ({model})"
    return Row(
        part,
        f"{signature} → {returns}",
        lambda s: s.ask("classifier", signature, returns, *values),
        lambda s: expected,
        model=model,
    )


# Four words of each class were trained, one a sample; GOOD was taught to class 1, BAD to class 0.
PARAMETERS = [
    Row(
        "classifier (perceptron)",
        "evaluateBatch(uint24[60][],uint64[]) → uint256",
        lambda s: s.ask("classifier", "evaluateBatch(uint24[60][],uint64[])", "uint256", [[0] * 60, [4] * 60], [0, 0]),
        lambda s: 1,
    ),
    shown("bayes", "getNumSamples(uint256)", "uint64", (0,), 5),
    shown("bayes", "getClassTotalFeatureCount(uint256)", "uint64", (1,), 6),
    shown("bayes", "getFeatureCount(uint256,uint32)", "uint32", (0, 7), 1),
    shown("bayes", "smoothingFactor()", "uint32", (), 10**9),
    shown("centroid", "getNumSamples(uint256)", "uint64", (1,), 5),
    shown("centroid", "getCentroidValue(uint256,uint32)", "int64", (1, 4), 2 * 10**9 // 5),
    shown("centroid", "getSquaredMagnitude(uint256)", "uint256", (0,), 6 * 10**18 // 25),
]  # fmt: skip

ROWS = [*TRAINER, *DATA_HANDLER, *INCENTIVE, *CLASSIFIER, *PARAMETERS]


def found(row: Row) -> dict[str, tuple[Any, Any]]:
    """What each layout answered and what it should, by layout."""
    answers = {}
    for layout in systems.LAYOUTS:
        scene = Scene(layout, row.incentive, row.model)
        answer = row.call(scene)
        answers[layout] = (answer, row.expected(scene))
    return answers


def table() -> str:
    """The table in Markdown; a row that does not hold says so."""
    lines = [
        "# DCAI compatibility",
        "",
        "Every function and event of DCAI's external interface, called through DCAI's signatures on",
        "systems compiled fused and modular. `python -m tests.interface` makes this table; the tests",
        "check every row. Not there: DCAI's chunked upload of parameters (`initializeWeights`,",
        "`initializeCounts`, `extendCentroid`, `addClass`, `addFeatureIndices`), since parameters come with",
        "the deployment. Functions that DCAI does not have: `addDataWithMaxCost(int64[],uint64,uint256)` and, in",
        "fused contracts, the packed entry. What is added through that is logged as `AddPackedData`, which a client",
        "that follows `AddData` alone does not see, and has a key of its own: the functions below do not know it,",
        "`refundPacked`, `reportPacked` and `getContribution(bytes32,address)` do.",
        "",
        "| part | function or event | fused | modular | where we differ |",
        "|---|---|---|---|---|",
    ]
    for row in ROWS:
        answers = found(row)
        marks = [
            "yes" if answers[name][0] == answers[name][1] else "NO" for name in systems.LAYOUTS
        ]
        what = row.what.replace("|", "\\|")
        lines.append(f"| {row.part} | `{what}` | {marks[0]} | {marks[1]} | {row.deviation} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    text = table()
    if "--write" in arguments:
        DOCUMENT.write_text(text, encoding="utf-8")
    print(text)
    return 1 if "| NO |" in text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
