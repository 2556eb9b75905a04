"""Using a deployed model from the command line: `dcai predict | add-data | refund | report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dcai_compile.cli import DataOption, JsonOption, LabelOption, app, mistakes_in_words, out
from dcai_compile.cli_node import (
    AccountOption,
    AddressOption,
    FeeOption,
    FolderArgument,
    KeystoreOption,
    RpcOption,
    YesOption,
    agree,
    attached,
    contribution_facts,
    print_result,
)

if TYPE_CHECKING:
    from dcai_compile.calls import Contribution
    from dcai_compile.chain.claims import Claim


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
        deployment = attached(folder, rpc, address)
        samples, labels = load_data(data, label=label)
        predicted = deployment.predict(samples).tolist()
    lines = [str(value) for value in predicted]
    facts: dict[str, Any] = {"predictions": predicted}
    if labels is not None:
        right = sum(a == b or str(a) == str(b) for a, b in zip(predicted, labels, strict=True))
        facts["accuracy"] = right / len(predicted)
        lines.append(f"accuracy {right / len(predicted):.4f} on {len(predicted)} samples")
    print_result(facts, as_json, lines)


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
        int | None, typer.Option(min=0, help="Wei a deposit at most; default: what is quoted.")
    ] = None,
    skip: Annotated[
        int, typer.Option(min=0, help="Leave out so many samples: an earlier run has added them.")
    ] = 0,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Teach every sample of a file with its label, each for a deposit that is quoted first.

    Run again, it teaches all of them again: where it was stopped, go on with --skip.
    """
    from dcai_compile.errors import DcaiError, InvalidOption
    from dcai_compile.incentives import ether, highest_deposit
    from dcai_compile.inputs import load_data
    from dcai_compile.model import class_index

    with mistakes_in_words(as_json):
        deployment = attached(folder, rpc, address, (keystore, account, max_fee))
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
        lessons = list(zip(encoded, classes, strict=True))[skip:]
        added: list[Contribution] = []
        if lessons:
            quoted = deployment.cost()
            most = quoted if max_cost is None else max_cost
            highest = highest_deposit(deployment.compiled.options)
            later = max(quoted, highest) if max_cost is None else max_cost
            in_all = most + later * (len(lessons) - 1)
            if not as_json:
                out.print(
                    f"{len(lessons)} lessons; the deposit is {ether(quoted)} now, and {ether(highest)} "
                    f"right after another one; {ether(in_all)} in all at most"
                )
            facts = {
                "lessons": len(lessons),
                "deposit": quoted,
                "max cost": most,
                "in all at most": in_all,
            }
            agree(f"Send at most {ether(in_all)}?", yes, facts if as_json else None)
        for sample, classification in lessons:
            try:
                most = deployment.cost() if max_cost is None else max_cost
                contribution = deployment.add_encoded(sample, classification, max_cost=most)
            except DcaiError as error:
                done = skip + len(added)
                error.message = (
                    f"{error.message}; {len(added)} of {len(lessons)} lessons were added"
                )
                error.hint += ("; " if error.hint else "") + (
                    f"see in dcai contributions whether lesson {done + 1} was added too, and go on "
                    f"with --skip {done}, or {done + 1} if it was"
                )
                raise
            added.append(contribution)
            if not as_json:
                out.print(f"  {contribution.label}: {ether(contribution.deposit)}", markup=False)
    print_result(
        {"added": [contribution_facts(contribution) for contribution in added]},
        as_json,
        [f"{len(added)} added, {ether(sum(c.deposit for c in added))} deposited"],
    )


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
        deployment = attached(folder, rpc, address, signing)
        claims: list[Claim] = find(deployment, deployment.evm.accounts[0])
        ready = [claim for claim in claims if not claim.obstacle]
        if not as_json:
            for claim in claims:
                out.print(f"  {_claim_line(claim)}", markup=False)
        found = [
            {
                "number": claim.number,
                "claimable": claim.claimable,
                "author": claim.contribution.author,
                "obstacle": claim.obstacle,
            }
            for claim in claims
        ]
        paid = []
        if ready:
            agree(f"{verb} {len(ready)} of them?", yes, {"open": found} if as_json else None)
        for claim in ready:
            do = deployment.refund if verb == "refund" else deployment.report
            try:
                amount = do(claim.contribution, sender=claim.account)
            except TransactionRefused as refusal:  # somebody was faster
                if not as_json:
                    out.print(f"  {claim.number}: {refusal.message}", markup=False)
                continue
            paid.append({"number": claim.number, "amount": amount})
    facts = {"open": found, "paid": paid}
    total = sum(entry["amount"] for entry in paid)
    print_result(facts, as_json, [f"{len(paid)} claimed, {ether(total)}"])


def _claim_line(claim: Claim) -> str:
    from dcai_compile.incentives import ether

    contribution = claim.contribution
    state = claim.obstacle or "ready"
    return (
        f"{claim.number:>4}  {contribution.author[:10]}..  {contribution.label!s:<14} "
        f"{ether(claim.claimable):>12} left  {state}"
    )
