"""What everything costs, before anything is sent: `dcai gas`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from dcai_compile.cli import JsonOption, app, mistakes_in_words, out
from dcai_compile.cli_node import FolderArgument
from dcai_compile.fees import DEFAULT_BLOB_PRICE, DEFAULT_GAS_PRICE, DEFAULT_L2_GAS_PRICE, Prices


@app.command()
def gas(
    folder: FolderArgument,
    rules: Annotated[
        str, typer.Option("--rules", help="Chain rules: prague, osaka or glamsterdam.")
    ] = "osaka",
    gas_price: Annotated[
        float, typer.Option("--gas-price", help="Gwei a unit of gas.")
    ] = DEFAULT_GAS_PRICE,
    eth_price: Annotated[
        float | None, typer.Option("--eth-price", help="Money for one ether.")
    ] = None,
    l2: Annotated[bool, typer.Option("--l2", help="The fees on an L2, too: an estimate.")] = False,
    l2_gas_price: Annotated[
        float, typer.Option("--l2-gas-price", help="Gwei a unit of gas on the L2.")
    ] = DEFAULT_L2_GAS_PRICE,
    l1_blob_price: Annotated[
        float, typer.Option("--l1-blob-price", help="Gwei a byte of the L2's compressed data.")
    ] = DEFAULT_BLOB_PRICE,
    as_json: JsonOption = False,
) -> None:
    """Gas and fee of every operation under named chain rules, and why this layout."""
    from dcai_compile.fees import fees, lines
    from dcai_compile.folder import load_artifact
    from dcai_compile.gas_quote import gas_quote
    from dcai_compile.rules import rules_of

    with mistakes_in_words(as_json):
        rules_of(rules)
        prices = Prices(gas_price, eth_price, l2, l2_gas_price, l1_blob_price)
        quote = gas_quote(load_artifact(folder), rules)
        facts = fees(quote, prices)
    if as_json:
        out.print_json(json.dumps(facts))
        return
    out.print(f"{quote.contract} under the rules of {quote.rules.name}", markup=False)
    out.print(_table(facts["operations"]))
    if l2:
        rows = [{**row, **row["l2"]} for row in facts["operations"]]
        out.print(_table(rows, on_l2=True))
    for line in lines(quote, facts):
        out.print(line, markup=False)


def _table(rows: list[dict[str, Any]], on_l2: bool = False) -> Table:
    """Fees of every operation; of an L2 with the bytes of its data instead of the gas."""
    columns = ["data, bytes" if on_l2 else "gas", "L2 fee, ETH" if on_l2 else "fee, ETH"]
    table = Table()
    table.add_column("operation")
    for title in ("txs", *columns, *(["money"] if "money" in rows[0] else [])):
        table.add_column(title, justify="right", no_wrap=True)
    if not on_l2:
        table.add_column("how", no_wrap=True)
    for row in rows:
        cells = [row["operation"], str(row["transactions"] or "call")]
        cells.append(f"{row['data_bytes' if on_l2 else 'gas']:,}")
        cells.append(f"{row['fee_eth']:.6g}" if row["fee_wei"] else "free")
        if "money" in row:
            cells.append(f"{row['money']:,.4g}")
        table.add_row(*cells, *([] if on_l2 else [row["how"]]))
    return table
