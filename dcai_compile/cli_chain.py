"""Putting a model on a real chain and looking into it:
`dcai deploy | status | contributions | audit | pull`, and `dcai verify --rpc`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dcai_compile.cli import (
    JsonOption,
    LabelOption,
    app,
    mistakes_in_words,
    out,
    print_facts,
)
from dcai_compile.cli_node import (
    GWEI,
    AccountOption,
    AddressOption,
    FeeOption,
    FolderArgument,
    KeystoreOption,
    RpcOption,
    YesOption,
    agree,
    attached,
    connect,
    contribution_facts,
    print_result,
    quietly,
    signer_of,
    wei,
    write_text,
)


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
    from dcai_compile.summary import contract_lines

    with quietly(as_json) as progress:
        compiled = load_artifact(folder)
        node = connect(rpc)
        transactions = Transactions(node, signer_of(node, keystore, account), max_fee=wei(max_fee))
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
            planned = {
                "account": plan.sender,
                "chain": plan.chain_id,
                "steps": [asdict(step) for step in plan.steps],
                "gas": plan.gas,
                "max fee": plan.fees.max_fee,
                "fee": plan.fee,
            }
            agree("Send them?", yes, planned if as_json else None)
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
        contracts = contract_lines(compiled, journal.addresses)
        print_facts({**facts, "contracts": contracts, "checked": "code and owners, to the byte"})


@app.command()
def status(
    folder: FolderArgument,
    rpc: RpcOption,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where the system stands, what a contribution costs now, and who may do what."""
    from dcai_compile.incentives import ether, incentive_of
    from dcai_compile.summary import contract_lines

    with mistakes_in_words(as_json):
        deployment = attached(folder, rpc, address)
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
    facts["contracts"] = contract_lines(compiled, deployment.addresses)
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
        deployment = attached(folder, rpc, address)
        found = deployment.contributions()
        lines = [
            f"{number:>5}  {datetime.fromtimestamp(entry.time, UTC):%Y-%m-%d %H:%M:%SZ}  "
            f"{entry.author}  {entry.label!s:<14} {ether(entry.deposit)}"
            for number, entry in enumerate(found, 1)
        ]
    print_result({"contributions": [contribution_facts(entry) for entry in found]}, as_json, lines)


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
        deployment = attached(folder, rpc, address)
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
                write_text(path, text())
    facts = {
        "published": result.published,
        "accuracy": result.accuracy,
        "parameters equal": result.parameters_equal,
        "contributions": [asdict(row) for row in result.rows],
    }
    print_result(facts, as_json, result.lines())
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
        deployment = attached(folder, rpc, address)
        result = run(deployment, target)
    facts = {"file": str(target), **result}
    print_result(facts, as_json, [f"{key:<16}{value}" for key, value in facts.items()])


def verify_on_chain(
    folder: Path, data: Path, label: str | None, rpc: str, address: str | None, as_json: bool
) -> None:
    """`dcai verify --rpc`: parity of the contract that is deployed."""
    from dcai_compile.chain.verify import verify_deployed
    from dcai_compile.inputs import load_data

    with mistakes_in_words(as_json):
        deployment = attached(folder, rpc, address)
        samples, _ = load_data(data, label=label)
        result = verify_deployed(deployment, connect(rpc), samples)
    lines = [
        f"samples         {result.samples}, after {result.contributions} contributions",
        f"mismatches      {result.mismatch_count}",
        *(f"  {text}" for text in result.mismatches),
        f"parameters      {'equal' if result.parameters_equal else 'NOT EQUAL'}",
        "PARITY HOLDS" if result.passed else "PARITY IS BROKEN",
    ]
    print_result(result.to_dict(), as_json, lines)
    if not result.passed:
        raise typer.Exit(1)
