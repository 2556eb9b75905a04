"""The command line on a real chain: `dcai deploy | predict | add-data | refund | report | status |
contributions | audit | pull`.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dcai_compile.cli import (
    DataOption,
    JsonOption,
    LabelOption,
    app,
    mistakes_in_words,
    out,
    print_facts,
    progress_bar,
)

if TYPE_CHECKING:
    from dcai_compile.chain.claims import Claim
    from dcai_compile.deployment import Contribution, Deployment

GWEI = 10**9

FolderArgument = Annotated[Path, typer.Argument(help="An artifact folder.")]
RpcOption = Annotated[
    str, typer.Option("--rpc", envvar="DCAI_RPC", help="URL of a node, http(s) or ws(s).")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="Of the system; default: where dcai deploy has put it."),
]
KeystoreOption = Annotated[
    Path | None,
    typer.Option("--keystore", help="Encrypted key file; password asked, or in DCAI_PASSWORD."),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="One of the node's own: address or number.")
]
FeeOption = Annotated[
    float | None, typer.Option("--max-fee", min=0, help="Gwei a unit of gas at most.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")]


def _connect(rpc: str) -> Any:
    from dcai_compile.chain.node import Node

    return Node(rpc)


def _signer(node: Any, keystore: Path | None, account: str | None) -> Any:
    from dcai_compile.chain.accounts import open_signer

    ask = getpass.getpass if sys.stdin.isatty() else None
    return open_signer(node, keystore=keystore, account=account, ask_password=ask)


def _attach(
    folder: Path,
    rpc: str,
    address: str | None,
    signing: tuple[Path | None, str | None, float | None] | None = None,
) -> Deployment:
    from dcai_compile.chain.attach import attach

    node = _connect(rpc)
    if signing is None:
        return attach(folder, node, address)
    keystore, account, max_fee = signing
    signer = _signer(node, keystore, account)
    return attach(folder, node, address, signer=signer, max_fee=_wei(max_fee))


def _wei(gwei: float | None) -> int | None:
    return None if gwei is None else int(gwei * GWEI)


def _agree(question: str, yes: bool) -> None:
    """Go on, or leave with nothing sent; without a terminal only `--yes` goes on."""
    if yes:
        return
    if not sys.stdin.isatty():
        out.print(f"{question} Nothing was sent: pass --yes to go on.", markup=False)
        raise typer.Exit(2)
    if not typer.confirm(question):
        out.print("Nothing was sent.")
        raise typer.Exit(0)


@contextmanager
def _quietly(as_json: bool) -> Iterator[Any]:
    with mistakes_in_words(as_json), progress_bar(as_json) as progress:
        yield progress


def _print(facts: Any, as_json: bool, lines: list[str]) -> None:
    if as_json:
        out.print_json(json.dumps(facts))
        return
    for line in lines:
        out.print(line, markup=False)


@app.command()
def deploy(
    folder: FolderArgument,
    rpc: RpcOption,
    keystore: KeystoreOption = None,
    account: AccountOption = None,
    max_fee: FeeOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what it takes, then put an artifact on a chain. Stopped at any moment, it goes on."""
    from dcai_compile.chain.deployer import deploy_artifact
    from dcai_compile.chain.journal import journal_path
    from dcai_compile.chain.plan import plan_deployment
    from dcai_compile.chain.transactions import Transactions
    from dcai_compile.folder import load_artifact
    from dcai_compile.incentives import ether

    with _quietly(as_json) as progress:
        compiled = load_artifact(folder)
        node = _connect(rpc)
        transactions = Transactions(node, _signer(node, keystore, account), max_fee=_wei(max_fee))
        plan = plan_deployment(folder, compiled, transactions)
        if not as_json:
            out.print(f"chain {plan.chain_id}, account {plan.sender}")
            for step in plan.steps:
                done = "  done" if step.done else ""
                what = {"transfer": "hand over"}.get(step.kind, "create")
                out.print(f"  {what:<10}{step.name:<28}{step.gas:>12,} gas{done}", markup=False)
            price = plan.fees.max_fee / GWEI
            out.print(
                f"{plan.open_steps} transactions, {plan.gas:,} gas, at most {ether(plan.fee)} "
                f"at {price:.3g} gwei"
            )
        if plan.open_steps:
            _agree("Send them?", yes or as_json)
        journal = deploy_artifact(folder, compiled, transactions, tell=progress)
    trainer = compiled.trainer or compiled.main
    facts = {
        "address": journal.addresses[trainer.name],
        "contracts": journal.addresses,
        "chain": journal.chain_id,
        "gas used": sum(step.gas_used for step in journal.steps),
        "journal": str(journal_path(folder, journal.chain_id)),
    }
    if as_json:
        out.print_json(json.dumps(facts))
    else:
        contracts = [f"{name}: {at}" for name, at in journal.addresses.items()]
        print_facts({**facts, "contracts": contracts, "checked": "code and owners, to the byte"})


@app.command()
def predict(
    folder: FolderArgument,
    data: DataOption,
    rpc: RpcOption,
    address: AddressOption = None,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the model on chain about every sample of a file. Free."""
    from dcai_compile.inputs import load_data

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address)
        samples, labels = load_data(data, label=label)
        predicted = deployment.predict(samples).tolist()
    lines = [str(value) for value in predicted]
    facts: dict[str, Any] = {"predictions": predicted}
    if labels is not None:
        right = sum(str(a) == str(b) for a, b in zip(predicted, labels, strict=True))
        facts["accuracy"] = right / len(predicted)
        lines.append(f"accuracy {right / len(predicted):.4f} on {len(predicted)} samples")
    _print(facts, as_json, lines)


@app.command(name="add-data")
def add_data(
    folder: FolderArgument,
    data: DataOption,
    rpc: RpcOption,
    address: AddressOption = None,
    label: LabelOption = None,
    keystore: KeystoreOption = None,
    account: AccountOption = None,
    max_fee: FeeOption = None,
    max_cost: Annotated[
        int | None, typer.Option(help="Wei a deposit at most; default: what is quoted.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Teach every sample of a file with its label, each for a deposit that is quoted first."""
    from dcai_compile.errors import InvalidOption
    from dcai_compile.incentives import ether
    from dcai_compile.inputs import load_data
    from dcai_compile.model import class_index

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address, (keystore, account, max_fee))
        samples, labels = load_data(data, label=label)
        if labels is None:
            raise InvalidOption(
                f"{data} has no labels",
                hint="add a label column or an array y",
                option="data",
                value=str(data),
            )
        encoded = deployment.compiled.encode(samples)
        model = deployment.compiled.integers.model
        classes = [class_index(model, value) for value in labels]
        added = []
        for number, (sample, classification) in enumerate(zip(encoded, classes, strict=True)):
            quoted = deployment.cost()
            most = quoted if max_cost is None else max_cost
            if number == 0 and not as_json:
                out.print(f"{len(encoded)} lessons; the deposit is {ether(quoted)} now")
            if number == 0:
                _agree(f"Send at most {ether(most)} for the first?", yes or as_json)
            contribution = deployment.add_encoded(sample, classification, max_cost=most)
            added.append(contribution)
            if not as_json:
                out.print(f"  {contribution.label}: {ether(contribution.deposit)}", markup=False)
    facts = {"added": [_facts(contribution) for contribution in added]}
    _print(
        facts, as_json, [f"{len(added)} added, {ether(sum(c.deposit for c in added))} deposited"]
    )


def _facts(contribution: Contribution) -> dict[str, Any]:
    return {**asdict(contribution), "data": list(contribution.data)}


@app.command()
def refund(
    folder: FolderArgument,
    rpc: RpcOption,
    address: AddressOption = None,
    keystore: KeystoreOption = None,
    account: AccountOption = None,
    max_fee: FeeOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the account's own open contributions, and take back what the model agrees with."""
    from dcai_compile.chain.claims import refunds

    _claim("refund", refunds, folder, rpc, address, (keystore, account, max_fee), yes, as_json)


@app.command()
def report(
    folder: FolderArgument,
    rpc: RpcOption,
    address: AddressOption = None,
    keystore: KeystoreOption = None,
    account: AccountOption = None,
    max_fee: FeeOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List other people's open contributions, and report those that the model disagrees with."""
    from dcai_compile.chain.claims import reports

    _claim("report", reports, folder, rpc, address, (keystore, account, max_fee), yes, as_json)


def _claim(
    verb: str,
    find: Any,
    folder: Path,
    rpc: str,
    address: str | None,
    signing: tuple[Path | None, str | None, float | None],
    yes: bool,
    as_json: bool,
) -> None:
    from dcai_compile.errors import TransactionRefused
    from dcai_compile.incentives import ether

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address, signing)
        claims: list[Claim] = find(deployment, deployment.evm.accounts[0])
        ready = [claim for claim in claims if not claim.obstacle]
        if not as_json:
            for claim in claims:
                out.print(f"  {_claim_line(claim)}", markup=False)
        paid = []
        if ready:
            _agree(f"{verb} {len(ready)} of them?", yes or as_json)
        for claim in ready:
            do = deployment.refund if verb == "refund" else deployment.report
            try:
                amount = do(claim.contribution, sender=claim.account)
            except TransactionRefused as refusal:  # somebody was faster
                if not as_json:
                    out.print(f"  {claim.number}: {refusal.message}", markup=False)
                continue
            paid.append({"number": claim.number, "amount": amount})
    facts = {
        "open": [
            {
                "number": claim.number,
                "claimable": claim.claimable,
                "author": claim.contribution.author,
                "obstacle": claim.obstacle,
            }
            for claim in claims
        ],
        "paid": paid,
    }
    total = sum(entry["amount"] for entry in paid)
    _print(facts, as_json, [f"{len(paid)} claimed, {ether(total)}"])


def _claim_line(claim: Claim) -> str:
    from dcai_compile.incentives import ether

    contribution = claim.contribution
    state = claim.obstacle or "ready"
    return (
        f"{claim.number:>4}  {contribution.author[:10]}..  {contribution.label!s:<14} "
        f"{ether(claim.claimable):>12} left  {state}"
    )


@app.command()
def status(
    folder: FolderArgument,
    rpc: RpcOption,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where the system stands, what a contribution costs now, and who may do what."""
    from dcai_compile.incentives import ether, incentive_of

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address)
        compiled = deployment.compiled
        facts: dict[str, Any] = {"address": deployment.address, "contracts": deployment.addresses}
        incentive = incentive_of(compiled.options)
        if incentive is not None:
            contributions = deployment.contributions()
            facts |= {
                "contributions": len(contributions),
                "validated": deployment.total_valid(),
                "deposit now": deployment.cost(),
                "balance": deployment.evm.balance(deployment.address),
                "creator": deployment.creator(),
                "deposits": list(incentive.words(compiled.options)),
            }
    if as_json:
        out.print_json(json.dumps(facts))
        return
    facts["contracts"] = [f"{name}: {at}" for name, at in facts["contracts"].items()]
    for money in ("deposit now", "balance"):
        if money in facts:
            facts[money] = ether(facts[money])
    print_facts(facts)


@app.command()
def contributions(
    folder: FolderArgument,
    rpc: RpcOption,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything that was ever taught, from the chain's events."""
    from dcai_compile.incentives import ether

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address)
        found = deployment.contributions()
        lines = [
            f"{number:>5}  {entry.time}  {entry.author}  {entry.label!s:<14} {ether(entry.deposit)}"
            for number, entry in enumerate(found, 1)
        ]
    _print({"contributions": [_facts(entry) for entry in found]}, as_json, lines)


@app.command()
def audit(
    folder: FolderArgument,
    test: Annotated[Path, typer.Option("--test", help="Test samples with labels.")],
    rpc: RpcOption,
    address: AddressOption = None,
    label: LabelOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the table here.")] = None,
    chart: Annotated[Path | None, typer.Option("--chart", help="Write an SVG here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay every contribution: who changed what, and what it did to the accuracy."""
    from dcai_compile.chain.audit import audit as run
    from dcai_compile.chain.chart import audit_chart
    from dcai_compile.errors import InvalidOption
    from dcai_compile.inputs import load_data

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address)
        samples, labels = load_data(test, label=label)
        if labels is None:
            raise InvalidOption(
                f"{test} has no labels",
                hint="add a label column or an array y",
                option="test",
                value=str(test),
            )
        result = run(deployment, samples, labels)
        title = f"{deployment.compiled.options.title or deployment.compiled.options.name}"
        for path, text in ((csv, result.to_csv), (chart, lambda: audit_chart(result, title))):
            if path is not None:
                path.write_text(text(), encoding="utf-8")
    facts = {
        "published": result.published,
        "accuracy": result.accuracy,
        "parameters equal": result.parameters_equal,
        "contributions": [asdict(row) for row in result.rows],
    }
    _print(facts, as_json, result.lines())
    if not result.parameters_equal:
        raise typer.Exit(1)


@app.command()
def pull(
    folder: FolderArgument,
    target: Annotated[Path, typer.Option("--out", help="File to write, .skops.")],
    rpc: RpcOption,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model as it stands on chain as a scikit-learn estimator of the original type."""
    from dcai_compile.chain.pull import pull as run

    with mistakes_in_words(as_json):
        deployment = _attach(folder, rpc, address)
        result = run(deployment, target)
    facts = {"file": str(target), **result}
    _print(facts, as_json, [f"{key:<16}{value}" for key, value in facts.items()])
