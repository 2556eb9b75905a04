"""The command line: `dcai demo | supported | compile | verify | quote`; `cli_gas.py` has `gas`.

Exit codes: 0 done, 1 parity broken, 2 the user's mistake, 70 a bug of ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dcai_compile import __version__
from dcai_compile.errors import CompilerPanic, DcaiError
from dcai_compile.model import Options

if TYPE_CHECKING:
    from dcai_compile.verify import ParityReport

app = typer.Typer(
    name="dcai",
    help="Compile scikit-learn classifiers to updatable, DCAI-compatible Solidity contracts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

PARITY_BROKEN = 1
DEFAULTS = Options()

DataOption = Annotated[
    Path, typer.Option("--data", help="Samples: .npz (X, y), .csv with a header, or .svmlight.")
]
LabelOption = Annotated[
    str | None, typer.Option("--label", help="Label column of a CSV file; default: by its name.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
EvmOption = Annotated[
    str, typer.Option("--evm", help="auto, revm, eth-tester, or the URL of a node.")
]


@contextmanager
def mistakes_in_words(as_json: bool = False) -> Iterator[None]:
    """Print a user's mistake as message and hint, without a traceback; exit code 2."""
    try:
        yield
    except DcaiError as error:
        if as_json:
            kind = type(error).__name__
            out.print_json(data={"error": kind, "message": error.message, "hint": error.hint})
        else:
            err.print(f"{type(error).__name__}: {error.message}", style="bold red", markup=False)
            if error.hint:
                err.print(f"hint: {error.hint}", markup=False)
        raise typer.Exit(DcaiError.exit_code) from None
    except CompilerPanic as panic:
        err.print(f"CompilerPanic: {panic}", style="bold red", markup=False)
        err.print("This is a bug of dcai_compile. Please report it with what you compiled.")
        raise typer.Exit(CompilerPanic.exit_code) from panic


@contextmanager
def progress_bar(hidden: bool) -> Iterator[Any]:
    """A callback for `verify` that draws a bar a task; silent when not on a terminal."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield advance


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compile scikit-learn classifiers to updatable, DCAI-compatible Solidity contracts."""
    if show:
        out.print(f"dcai_compile {__version__}")
        raise typer.Exit


@app.command()
def supported(as_json: JsonOption = False) -> None:
    """List what can be compiled, what may stand before it in a pipeline, and what is refused."""
    from dcai_compile import families, preprocess

    entries = families.supported_estimators()
    transformers = preprocess.supported_transformers()
    refusals = (*families.refusals(), *preprocess.REFUSALS)
    if as_json:
        groups = {"estimators": entries, "transformers": transformers, "refusals": refusals}
        facts = {title: [vars(entry) for entry in group] for title, group in groups.items()}
        out.print_json(json.dumps(facts))
        return
    table = Table("estimator", "family", "its own training step")
    for entry in entries:
        name = entry.name if entry.module else f"DCAI JSON: {entry.name}"
        table.add_row(name, entry.family, entry.step)
    before = Table("before it in a Pipeline", "what is done with it")
    for transformer in transformers:
        before.add_row(transformer.name, transformer.treatment)
    refused = Table("refused", "why", "instead")
    for refusal in refusals:
        refused.add_row(refusal.what, refusal.why, refusal.way_out)
    for shown in (table, before, refused):
        out.print(shown)


@app.command(name="compile")
def compile_command(
    model: Annotated[
        Path, typer.Argument(help="A trained estimator (.skops), or DCAI's model JSON.")
    ],
    data: DataOption,
    folder: Annotated[Path, typer.Option("--out", help="Artifact folder to write.")] = Path(
        "artifact"
    ),
    label: LabelOption = None,
    name: Annotated[str, typer.Option(help="Name of the contract.")] = "Classifier",
    description: Annotated[str, typer.Option(help="One line about the model.")] = "",
    class_names: Annotated[
        list[str] | None, typer.Option("--class-name", help="One for each class, in order.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="auto, dense, indices or pairs.")] = "auto",
    update: Annotated[str, typer.Option(help="auto, frozen, or the name of a step.")] = "auto",
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the training step (C for pa1 and pa2).")
    ] = None,
    weight_bits: Annotated[str, typer.Option(help="auto, 8, 16, … 64.")] = "auto",
    step_bits: Annotated[str, typer.Option(help="auto, 16 or 32: of what is learned.")] = "auto",
    horizon: Annotated[int, typer.Option(help="Updates that must be proved safe.")] = 100_000,
    incentive: Annotated[
        str, typer.Option(help="stakeable, points, or none: a bare classifier.")
    ] = "stakeable",
    layout: Annotated[str, typer.Option(help="fused (one contract) or modular (four).")] = "fused",
    title: Annotated[str, typer.Option(help="Name for people, on chain; default: the name.")] = "",
    refund_wait: Annotated[
        int, typer.Option(help="Seconds before a refund or a report.")
    ] = DEFAULTS.refund_wait,
    owner_claim_wait: Annotated[
        int, typer.Option(help="Seconds before the creator may take what is left.")
    ] = DEFAULTS.owner_claim_wait,
    any_address_claim_wait: Annotated[
        int, typer.Option(help="Seconds before others may.")
    ] = DEFAULTS.any_address_claim_wait,
    cost_weight: Annotated[
        int, typer.Option(help="Wei; the deposit is this * 3600 / sqrt(seconds since the last).")
    ] = DEFAULTS.cost_weight,
    open_claims: Annotated[
        bool, typer.Option("--open-claims", help="Let anybody take what is left, as DCAI does.")
    ] = False,
    packed: Annotated[bool, typer.Option(help="Take samples in few bytes, too.")] = True,
    evm_version: Annotated[str, typer.Option(help="cancun, prague or osaka.")] = "cancun",
    solc: Annotated[Path | None, typer.Option(help="A Solidity compiler.")] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read a file that runs code.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a trained model to an artifact folder."""
    from dcai_compile.inputs import load_data
    from dcai_compile.pipeline import compile_model

    with mistakes_in_words(as_json):
        samples, labels = load_data(data, label=label)
        compiled = compile_model(
            model,
            samples,
            labels,
            name=name,
            description=description,
            class_names=class_names,
            encoding=encoding,
            update=update,
            learning_rate=learning_rate,
            weight_bits=weight_bits if weight_bits == "auto" else _integer(weight_bits),
            step_bits=step_bits if step_bits == "auto" else _integer(step_bits),
            horizon=horizon,
            incentive=None if incentive == "none" else incentive,
            layout=layout,
            title=title,
            refund_wait=refund_wait,
            owner_claim_wait=owner_claim_wait,
            any_address_claim_wait=any_address_claim_wait,
            cost_weight=cost_weight,
            open_claims=open_claims,
            packed=packed,
            evm_version=evm_version,
            solc=solc,
            trust_pickle=trust_pickle,
        )
        written = compiled.save(folder)
    from dcai_compile.summary import compile_summary

    facts = {"folder": str(written), **compile_summary(compiled)}
    if as_json:
        out.print_json(json.dumps(facts))
    else:
        print_facts(facts)


def _integer(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="An artifact folder.")],
    data: DataOption,
    label: LabelOption = None,
    evm: EvmOption = "auto",
    updates: Annotated[
        int,
        typer.Option(min=0, help="How many of the samples to teach as well, with their labels."),
    ] = 0,
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="A node: verify what is deployed there.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="Of the system on that node.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the contract with Python, sample by sample. Exit code 1 on any mismatch.

    With --rpc the deployed contract itself, as it has learned since.
    """
    if rpc is not None:
        cli_chain.verify_on_chain(folder, data, label, rpc, address, as_json)
        return
    from dcai_compile.errors import InvalidOption
    from dcai_compile.folder import load_artifact
    from dcai_compile.inputs import load_data

    with mistakes_in_words(as_json):
        compiled = load_artifact(folder)
        samples, labels = load_data(data, label=label)
        if updates and labels is None:
            raise InvalidOption(
                f"--updates {updates} needs labels, and {data} has none",
                hint="add a label column or an array y",
                option="updates",
                value=updates,
            )
        stream = (samples[:updates], labels[:updates]) if updates and labels is not None else None
        with progress_bar(as_json) as progress:
            report = compiled.verify(samples, evm=evm, updates=stream, progress=progress)
    if as_json:
        out.print_json(json.dumps(report.to_dict()))
    else:
        print_report(report)
    if not report.passed:
        raise typer.Exit(PARITY_BROKEN)


@app.command()
def quote(
    folder: Annotated[Path, typer.Argument(help="An artifact folder.")],
    as_json: JsonOption = False,
) -> None:
    """What it costs to deploy, teach and claim, in gas and in words."""
    from dcai_compile.folder import load_artifact
    from dcai_compile.quote import quote as facts_of

    with mistakes_in_words(as_json):
        facts = facts_of(load_artifact(folder))
    if as_json:
        out.print_json(json.dumps(facts))
    else:
        print_facts(facts, width=28)


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option("--out", help="Keep the artifact here.")] = None,
    evm: EvmOption = "auto",
) -> None:
    """Train, compile, deploy and check a classifier of real data, and show each step."""
    from dcai_compile.demo import run_demo

    with mistakes_in_words(), progress_bar(hidden=False) as progress:
        report = run_demo(out, folder, evm, progress)
    if not report.passed:
        raise typer.Exit(PARITY_BROKEN)


def print_facts(facts: dict[str, Any], width: int = 16) -> None:
    """The facts of a summary, values from column `width` on."""
    from dcai_compile.summary import fact_lines

    for line in fact_lines(facts, width):
        out.print(line, markup=False)


def print_report(report: ParityReport) -> None:
    """A parity report in words, and the verdict."""
    from dcai_compile.summary import parity_summary

    print_facts(parity_summary(report))
    for text in report.mismatches:
        out.print(f"  {text}", style="red", markup=False)
    verdict, style = ("HOLDS", "green") if report.passed else ("IS BROKEN", "red")
    out.print(f"PARITY {verdict}", style=f"bold {style}")


# The commands on a chain stand in files of their own, which need what is above.
from dcai_compile import cli_chain, cli_gas, cli_use  # noqa: E402, F401
