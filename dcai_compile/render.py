"""IntegerModel to Source: Solidity files, the same bytes on any machine.

All arithmetic is done before a template sees a number; a template only loops over rows. Class
names are untrusted text: they reach Solidity as escaped string literals, and comments only in
an ASCII form without line ends.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from dcai_compile import __version__, yul
from dcai_compile.families import families, family_of
from dcai_compile.incentives import incentive_of
from dcai_compile.kernel import kernel_of
from dcai_compile.layout import Layout
from dcai_compile.model import IntegerModel, Model, Options
from dcai_compile.names import comment_text, string_literal
from dcai_compile.packing import packing_of
from dcai_compile.pruning import without_unused
from dcai_compile.sample_encoder import sample_encoder
from dcai_compile.solc import SOLC_VERSION
from dcai_compile.sources import inherited_errors, template_folder, with_imports
from dcai_compile.system import SOLIDITY_WIDTH, Part, parts_of, shell_of, takes_packed
from dcai_compile.tables import CodeTable, Constant

COMMENTED_LANES = 1024
"""Tables up to this many lanes carry the real value of each lane in a comment."""

BYTES_PER_LINE = 32


@dataclass(frozen=True)
class DataContract:
    """A contract whose code is rows of the base: its name and its runtime code."""

    name: str
    code: bytes


@dataclass(frozen=True)
class Source:
    """What goes to the Solidity compiler.

    Attributes
    ----------
    files : Solidity text by path.
    main : name of the contract to deploy last; `files` has it as ``<main>.sol``.
    data_contracts : contracts to deploy before it, in the order of its constructor's arguments.
    parts : contracts to deploy after it, the trainer last; empty unless the system is modular.
    model_hash : 32 bytes, what `modelHash` of the contract returns.
    """

    files: dict[str, str]
    main: str
    data_contracts: tuple[DataContract, ...]
    parts: tuple[Part, ...]
    model_hash: bytes


def render(integers: IntegerModel, layout: Layout, options: Options) -> Source:
    """Write the contract of a model, and collect the hand-written files that it imports."""
    family = family_of(integers.model.family)
    table = family.code_table(integers)
    facts = family.context(integers)
    digest = model_hash(integers)
    context: dict[str, Any] = {
        **facts,
        "name": options.name,
        "shell": shell_of(options),
        "template": family.template,
        "generator_version": __version__,
        "solc_version": SOLC_VERSION,
        "estimator": integers.model.estimator,
        "encoding": integers.encoding.name,
        "packing": packing_of(integers.encoding) if takes_packed(options) else None,
        "encoder": string_literal(integers.encoding.encoder),
        "pair_scale": integers.encoding.pair_scale,
        "takes_empty": integers.encoding.min_length == 0,
        "sample_encoder_hash": "0x" + sample_encoder(integers).digest.hex(),
        "model_hash": "0x" + digest.hex(),
        "imports": _imports(facts["errors"], layout),
        "class_literals": [string_literal(name) for name in class_names(integers.model, options)],
        "feature_indices": _index_lines(integers.model.feature_indices),
        "slots": layout.slots,
        "delta": layout.delta,
        "warm": layout.delta is not None and layout.delta.warm,
        "written_first": layout.written_first(),
        "records": layout.records,
        "provenance": _provenance(integers, options, facts, digest),
    }
    context["n_classes"] = len(integers.model.classes)
    context["n_features"] = integers.encoding.n_features
    context |= {"weight_bytes": table.bits // 8, "row_bytes": layout.row_bytes}
    whole = layout.base_place == "own_code"
    context["whole_base"] = whole or not integers.encoding.is_sparse
    context["base_rows"] = len(table.values)
    context.setdefault("tiles", None)
    context.setdefault("packed_tiles", False)
    context.setdefault("byte_tiles", None)
    context.setdefault("learn_tiles", False)
    context["learn_from"] = "int64[] memory data"
    context["kernel"] = kernel_of(integers.encoding, table.values.shape[1], table.bits)
    base, data_contracts = _base(table, layout, options.name)
    context["base"] = base
    if layout.base_parts:
        context["constants"] = [*context["constants"], *_part_constants(table, layout)]
    context["constants"] = [*context["constants"], *layout.constants()]
    context["moved_bit"] = layout.moved_bit
    sources = {f"{options.name}.sol": without_unused(_fill(family.template, context))}
    for part in base.get("contracts", []):
        sources[f"{part['contract']}.sol"] = _fill("base.sol.j2", {**context, "part": part})
    parts = parts_of(options, integers.encoding.encoder)
    sources.update(with_imports(list(sources.values()), [f"{part.path}.sol" for part in parts]))
    return Source(sources, options.name, data_contracts, parts, digest)


def system_rows(options: Options) -> list[tuple[str, str]]:
    """The system around the model in words, a row a sentence; nothing for a bare classifier."""
    incentive = incentive_of(options)
    if incentive is None:
        return []
    sentences = incentive.words(options)
    return [
        ("system", f"{options.layout}, {incentive.name}"),
        *((title, text) for title, text in zip(("deposits", "", "", ""), sentences, strict=False)),
    ]


def class_names(model: Model, options: Options) -> tuple[str, ...]:
    """The names that `classifications` returns: the option's, else the labels as text."""
    if options.class_names is not None:
        return options.class_names
    return tuple(str(label) for label in model.classes)


def model_hash(integers: IntegerModel) -> bytes:
    """SHA-256 of every fact and array of the integer model, in canonical form."""
    facts, arrays = family_of(integers.model.family).dump(integers)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.digest()


def _imports(errors: Iterable[str], layout: Layout) -> str:
    """The import of the custom errors, on one line where it fits, as `forge fmt` writes it."""
    wanted = {*errors, *(("BaseMismatch",) if layout.base_parts else ())}
    names = sorted(wanted - inherited_errors())
    source = 'from "./contracts/Errors.sol";'
    line = f"import {{{', '.join(names)}}} {source}" if names else ""
    if len(line) <= SOLIDITY_WIDTH:
        return line
    rows = ",\n".join(f"    {name}" for name in names)
    return f"import {{\n{rows}\n}} {source}"


def _provenance(
    integers: IntegerModel, options: Options, facts: dict[str, Any], digest: bytes
) -> list[dict[str, str]]:
    model, encoding = integers.model, integers.encoding
    settings = ", ".join(f"{key}={value}" for key, value in model.settings.items())
    names = class_names(integers.model, options)
    shown = ", ".join(f"{i}: {comment_text(name)}" for i, name in enumerate(names[:20]))
    rows = [
        ("estimator", comment_text(f"{model.estimator}({settings})", 400)),
        ("trained by", comment_text(model.library)),
        ("model hash", "0x" + digest.hex()),
        ("classes", shown + (f", and {len(names) - 20} more" if len(names) > 20 else "")),
        ("encoding", f"{encoding.name}, {encoding.n_features} features"),
        *([("client encoder", comment_text(str(model.client), 400))] if model.client else []),
        *([("folded in", comment_text(str(model.folded), 400))] if model.folded else []),
        *facts["summary"],
        *system_rows(options),
        (
            "proved bound",
            f"no score of a sample in the calibration range errs by more than {integers.bound:.6g}",
        ),
    ]
    return [{"title": title, "text": text} for title, text in rows]


def _base(
    table: CodeTable, layout: Layout, name: str
) -> tuple[dict[str, Any], tuple[DataContract, ...]]:
    base: dict[str, Any] = {
        "place": layout.base_place,
        "bits": table.bits,
        "title": table.title,
        "row_title": table.row_title,
        "rows_title": table.rows_title,
    }
    if not layout.base_parts:
        base["lines"] = _lines(table, 0, len(table.values))
        return base, ()
    contracts, parts = [], []
    for number, part in enumerate(layout.base_parts):
        rows = table.values[part.first : part.end]
        code = b"\0" + lane_bytes(rows, table.bits, table.bias)
        contracts.append(DataContract(f"{name}Base{number}", code))
        parts.append(
            {
                "contract": f"{name}Base{number}",
                "first": part.first,
                "last": part.end - 1,
                "end": part.end,
                "code_hash": "0x" + keccak(code).hex(),
                "lines": _lines(table, part.first, part.end),
            }
        )
    base["contracts"] = parts
    return base, tuple(contracts)


def _part_constants(table: CodeTable, layout: Layout) -> list[Constant]:
    part = layout.base_parts[0]
    title = f"{table.rows_title.capitalize()} in each data contract but the last."
    return [Constant("uint256", "FEATURES_PER_BASE", str(part.end - part.first), title)]


def lane_bytes(values: NDArray[Any], bits: int, bias: int = 0) -> bytes:
    """Signed lanes as a byte string, big-endian, in order, with `bias` added to each."""
    values = values + bias
    if bits > 64:
        size = bits // 8
        return b"".join(int(v).to_bytes(size, "big", signed=True) for v in values.ravel())
    words = values.astype(">i8").reshape(-1, 1).view(np.uint8)
    return np.ascontiguousarray(words[:, 8 - bits // 8 :]).tobytes()


def _lines(table: CodeTable, first: int, end: int) -> list[dict[str, str]]:
    """Rows `first` to `end` of a table as lines of hexadecimal, with the real values of small ones."""
    lanes = table.values.shape[1]
    size = table.bits // 8
    with_values = table.values.size <= COMMENTED_LANES
    # A line a feature where a feature has several lanes to tell apart, else as many as fit.
    per_line = 1 if lanes > 1 else BYTES_PER_LINE // size
    lines = []
    for start in range(first, end, per_line):
        stop = min(start + per_line, end)
        data = lane_bytes(table.values[start:stop], table.bits, table.bias)
        title = f"{table.rows_title} {start}-{stop - 1}"
        if stop - start == 1:
            title = f"{table.row_title} {start}"
        units = table.units * (stop - start)
        lanes_here = table.values[start:stop].ravel().tolist()
        values = [f"{float(v * unit):.6g}" for v, unit in zip(lanes_here, units, strict=True)]
        pieces = [data[i : i + BYTES_PER_LINE] for i in range(0, len(data), BYTES_PER_LINE)]
        for number, piece in enumerate(pieces):
            shown = values if number == 0 else []
            comment = title if number == 0 else f"{title}, continued"
            if with_values and shown:
                comment += ": " + ", ".join(shown)
            lines.append({"hex": piece.hex(), "comment": comment})
    return lines


def _index_lines(indices: tuple[int, ...]) -> list[dict[str, str]]:
    lines = []
    for start in range(0, len(indices), 8):
        part = indices[start : start + 8]
        data = b"".join(index.to_bytes(4, "big") for index in part)
        lines.append({"hex": data.hex(), "comment": ", ".join(map(str, part))})
    return lines


@cache
def _environment() -> jinja2.Environment:
    def load(name: str) -> str | None:
        for folder in (template_folder(), *(family.templates for family in families())):
            if folder is not None and folder.joinpath(name).is_file():
                return folder.joinpath(name).read_text(encoding="utf-8")
        return None

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Solidity, not HTML; names are escaped by `names.py`
    )
    environment.globals.update(div=yul.div, mod=yul.mod, mul=yul.mul)
    return environment


def _fill(template: str, context: dict[str, Any]) -> str:
    text = _environment().get_template(template).render(context)
    # Conditional sections leave runs of blank lines behind; one is enough.
    text = re.sub(r"\n{3,}", "\n\n", text)
    text = re.sub(r"\n+(\n *}\n)", r"\1", text).rstrip("\n") + "\n"
    return yul.formatted(text)
