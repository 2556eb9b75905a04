"""`report.html` of an artifact: one page for whoever wants to know what was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from dcai_compile.families import family_of
from dcai_compile.names import comment_text
from dcai_compile.render import class_names
from dcai_compile.sources import template_folder

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled

SHOWN_CLASSES = 50


def report_html(compiled: Compiled) -> str:
    """A self-contained page: what went in, what is proved, what stands on chain. No date, no script."""
    integers, model = compiled.integers, compiled.integers.model
    summary = family_of(model.family).context(integers)["summary"]
    names = class_names(model, compiled.options)
    settings = ", ".join(f"{key}={value}" for key, value in model.settings.items())
    rows = [
        ("Estimator", f"{model.estimator}({settings})"),
        ("Trained by", model.library),
        ("Model hash", "0x" + compiled.sources.model_hash.hex()),
        ("Classes", ", ".join(names[:SHOWN_CLASSES])),
        ("Number of classes", str(len(names))),
        ("Encoding", f"{integers.encoding.name}, {integers.encoding.n_features} features"),
        *((title.capitalize(), text) for title, text in summary),
        ("Proved bound of a score", f"{integers.bound:.6g}"),
    ]
    sizes = [
        (contract.name, len(contract.runtime), len(contract.initcode))
        for contract in compiled.contracts
    ]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    text = template_folder().joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        title=comment_text(compiled.options.name),
        description=compiled.options.description,
        rows=rows,
        layout=compiled.layout.reasons,
        sizes=sizes,
    )
