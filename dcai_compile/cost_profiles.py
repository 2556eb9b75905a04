"""Which constants of the cost model a contract is priced with."""

from __future__ import annotations

from dcai_compile.families import family_of
from dcai_compile.kernel import kernel_of
from dcai_compile.layout import Layout
from dcai_compile.model import IntegerModel

FEW_ROWS = 3
"""Templates write loops over up to as many rows out."""


def profile(integers: IntegerModel, layout: Layout, rows: int) -> str:
    """The name of a contract's constants: what its template and partials depend on."""
    facts = family_of(integers.model.family).context(integers)
    kind = facts.get("kind") or facts.get("metric") or facts.get("rule") or "frozen"
    count = "one" if rows == 1 else "few" if rows <= FEW_ROWS else "many"
    words = [integers.model.family, kind, integers.encoding.name, count, layout.base_place]
    if facts.get("tiles") is not None:
        words.append("tiles")
    elif integers.encoding.name == "dense":
        table = family_of(integers.model.family).code_table(integers)
        kernel = kernel_of(integers.encoding, table.values.shape[1], table.bits)
        if kernel is not None and kernel.together:
            words.append("together")
    if layout.delta is None:
        words.append("plain")
    elif not layout.delta.in_word:
        words.append("spread")
    return " ".join(words)
