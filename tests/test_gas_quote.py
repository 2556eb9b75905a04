"""`dcai gas` and `compiled.quote(rules=...)`: what is shown is what is measured, and nonsense is refused."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sklearn.naive_bayes import MultinomialNB
from typer.testing import CliRunner

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.cli import app
from dcai_compile.deploy import place
from dcai_compile.errors import InvalidOption
from dcai_compile.evm import fastest_evm
from dcai_compile.fees import ENVELOPE, GWEI, Prices, data_bytes, fees, lines
from dcai_compile.gas_quote import GasQuote, Operation, gas_quote
from dcai_compile.rules import GLAMSTERDAM, OSAKA, PRAGUE
from tests import models

runner = CliRunner()
ALL = [
    "deploy",
    "predict",
    "add_data right",
    "refund",
    "add_data wrong",
    "report, all",
    "report, a share",
]
ALL += [f"{name}, packed" for name in ALL[2:]]


@cache
def words(**options: Any) -> Compiled:
    X, y = models.text()
    return compile_model(MultinomialNB().fit(X, y), X, y, name="Words", **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return words().save(tmp_path_factory.mktemp("quote") / "out")


def gas_of(quote: GasQuote) -> dict[str, int]:
    return {entry.name: entry.gas for entry in quote.operations}


@cache
def quoted(rules: str) -> GasQuote:
    return gas_quote(words(), rules)


def test_every_operation_is_measured_or_modelled() -> None:
    for rules, how in (("prague", "measured"), ("osaka", "measured"), ("glamsterdam", "modelled")):
        quote = quoted(rules)
        assert [entry.name for entry in quote.operations] == ALL
        assert {entry.how for entry in quote.operations} == {how}
        assert not quote.impossible and quote.layout == words().layout.reasons
    assert gas_of(quoted("prague")) == gas_of(quoted("osaka"))
    now, then = gas_of(quoted("osaka")), gas_of(quoted("glamsterdam"))
    assert then["predict"] == now["predict"]
    assert all(then[name] > now[name] for name in ALL if name != "predict")


def test_what_is_measured_is_what_a_fresh_evm_takes() -> None:
    compiled = words()
    evm = fastest_evm("prague")
    placed = place(compiled, evm)
    found = gas_of(quoted("osaka"))
    assert found["deploy"] == placed.gas_used
    sample = sorted(compiled.examples, key=len)[len(compiled.examples) // 2]
    assert quoted("osaka").elements == len(sample)
    data = abi.sample_call(abi.PREDICT, sample)
    evm = fastest_evm()
    used = evm.call(place(compiled, evm).addresses["Words"], data).gas_used
    zeros = data.count(0)
    assert found["predict"] == used - 21_000 - 4 * zeros - 16 * (len(data) - zeros)


def test_the_deployment_of_glamsterdam_is_counted_from_code_and_slots() -> None:
    compiled = words()
    entry = quoted("glamsterdam").operations[0]
    code = sum(len(part.runtime) for part in compiled.contracts)
    assert entry.gas > 1_530 * code
    # State is apart from the limit of a transaction.
    assert entry.largest < entry.gas - 1_530 * code
    assert entry.transactions == len(compiled.contracts)


def test_python_and_command_line_agree(folder: Path) -> None:
    found = words().quote(rules="osaka")
    result = runner.invoke(app, ["gas", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    for key in ("operations", "layout", "rules", "elements", "impossible", "over_limit"):
        if key != "operations":
            assert found[key] == printed[key]
    assert [row["gas"] for row in found["operations"]] == [
        row["gas"] for row in printed["operations"]
    ]
    assert "longest sample" in found and found["rules"] == "osaka" == words().quote()["rules"]


def test_json_has_gas_and_fees(folder: Path) -> None:
    options = ["--gas-price", "2", "--eth-price", "1000", "--l2", "--l2-gas-price", "0.01"]
    result = runner.invoke(app, ["gas", str(folder), *options, "--l1-blob-price", "3", "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.output)
    assert facts["prices"] == {
        "gas_price_gwei": 2.0,
        "eth_price": 1000.0,
        "l2_gas_price_gwei": 0.01,
        "l1_blob_price_gwei": 3.0,
    }
    for row in facts["operations"]:
        sent = row["transactions"] > 0
        assert row["fee_wei"] == (row["gas"] * 2 * GWEI if sent else 0)
        assert row["fee_eth"] == row["fee_wei"] / 10**18
        assert row["money"] == row["fee_eth"] * 1000
        l2 = row["l2"]
        assert l2["execution_wei"] == (row["gas"] * 10**7 if sent else 0)
        assert l2["data_wei"] == l2["data_bytes"] * 3 * GWEI
        assert l2["fee_wei"] == l2["execution_wei"] + l2["data_wei"]
    assert any("zlib" in text for text in facts["assumptions"])


def test_the_table_says_what_is_measured_and_why(folder: Path) -> None:
    result = runner.invoke(app, ["gas", str(folder)])
    assert result.exit_code == 0, result.output
    assert "measured" in result.output and "layout: base" in result.output
    assert "L2" not in result.output and "money" not in result.output
    assert f"{gas_of(quoted('osaka'))['refund']:,}" in result.output
    more = ["--rules", "glamsterdam", "--eth-price", "3000", "--l2"]
    result = runner.invoke(app, ["gas", str(folder), *more])
    assert result.exit_code == 0, result.output
    assert "modelled" in result.output and "on no test EVM" in result.output
    assert "money" in result.output and "L2 fee" in result.output


# What other systems can do


def test_a_frozen_model_is_deployed_and_asked() -> None:
    quote = gas_quote(words(update="frozen"))
    assert [entry.name for entry in quote.operations] == ALL[:2]


def test_a_bare_classifier_is_taught_by_its_owner() -> None:
    bare = words(incentive=None)
    names = [*ALL[:2], "update right", "update wrong"]
    for rules in ("osaka", "glamsterdam"):
        assert [entry.name for entry in gas_quote(bare, rules).operations] == names


def test_points_cost_no_deposit() -> None:
    now, then = (gas_quote(words(incentive="points"), name) for name in ("osaka", "glamsterdam"))
    assert [entry.name for entry in now.operations] == ALL
    assert all(a.gas <= b.gas for a, b in zip(now.operations, then.operations, strict=True))


def test_modular_systems_are_measured_only() -> None:
    modular = words(layout="modular")
    quote = gas_quote(modular)
    assert [entry.name for entry in quote.operations] == ALL[:7]  # samples are not packed
    # Four contracts, three of which are handed over.
    assert quote.operations[0].transactions == 7
    with pytest.raises(InvalidOption, match="modular") as caught:
        gas_quote(modular, "glamsterdam")
    assert caught.value.option == "rules"


def test_a_share_that_nobody_can_report_is_said_to_be_impossible() -> None:
    quote = gas_quote(words(refund_wait=15, owner_claim_wait=15))
    assert [entry.name for entry in quote.operations] == [
        name for name in ALL if "share" not in name
    ]
    assert "before others may report" in quote.impossible["report, a share"]
    facts = fees(quote, Prices())
    assert any("not possible here" in line for line in lines(quote, facts))


# Limits


def some(*largest: int, rules: Any = OSAKA) -> GasQuote:
    rows = tuple(
        Operation(f"o{n}", 2 * gas, "measured", 2, gas, b"") for n, gas in enumerate(largest)
    )
    return GasQuote("C", rules, 1, rows, {}, ())


def test_a_transaction_may_take_exactly_the_limit() -> None:
    limit = 16_777_216
    quote = some(limit, limit + 1)
    assert quote.over_limit == ("o1",)
    assert some(limit, limit + 1, rules=PRAGUE).over_limit == ()
    call = Operation("predict", 10 * limit, "measured", 0, 10 * limit, b"")
    assert replace(quote, operations=(call,)).over_limit == ()
    text = lines(quote, fees(quote, Prices()))
    assert "o1: one transaction is over the limit" in text
    assert "o0: one transaction is over the limit" not in text


def test_a_deployment_above_the_limit_says_how_many_transactions() -> None:
    quote = some(8_388_608, 8_388_609)
    found = [line for line in lines(quote, fees(quote, Prices())) if "is sent as" in line]
    assert len(found) == 1 and "o1: 16,777,218 gas" in found[0] and "sent as 2" in found[0]
    quote = some(9_000_000, rules=GLAMSTERDAM)
    assert any("state apart" in line for line in lines(quote, fees(quote, Prices())))


def test_data_of_an_l2_is_compressed_with_an_envelope_a_transaction() -> None:
    data = bytes(1_000)
    assert data_bytes(data, 1) == len(zlib.compress(data, 9)) + ENVELOPE
    assert data_bytes(data, 3) - data_bytes(data, 1) == 2 * ENVELOPE
    assert data_bytes(data, 0) == 0


# Refusals


@pytest.mark.parametrize("option", ["gas_price", "eth_price", "l2_gas_price", "l1_blob_price"])
@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, math.inf, "3", True])
def test_a_price_that_is_none_is_refused(option: str, value: Any) -> None:
    with pytest.raises(InvalidOption) as caught:
        Prices(**{option: value})
    assert caught.value.option == option and caught.value.hint
    assert Prices(**{option: 0}) is not None


@pytest.mark.parametrize(
    "option", ["--gas-price", "--eth-price", "--l2-gas-price", "--l1-blob-price"]
)
def test_the_command_line_refuses_a_negative_price_first(option: str, tmp_path: Path) -> None:
    result = runner.invoke(app, ["gas", f"{tmp_path}/nothing", option, "-1", "--json"])
    assert result.exit_code == 2
    facts = json.loads(result.output)
    assert facts["error"] == "InvalidOption" and "hint" in facts
    assert option[2:].replace("-", "_") in facts["message"]


def test_unknown_rules_are_refused_before_anything_else(tmp_path: Path) -> None:
    result = runner.invoke(app, ["gas", f"{tmp_path}/nothing", "--rules", "london", "--json"])
    assert result.exit_code == 2
    facts = json.loads(result.output)
    assert facts["error"] == "InvalidOption" and "london" in facts["message"]
    assert "prague, osaka, glamsterdam" in facts["hint"]
    result = runner.invoke(app, ["gas", f"{tmp_path}/nothing"])
    assert result.exit_code == 2 and "ArtifactInvalid" in result.output
    for call in (words().quote, lambda rules: gas_quote(words(), rules)):
        with pytest.raises(InvalidOption, match="london"):
            call(rules="london")
