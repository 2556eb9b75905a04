"""Compile scikit-learn classifiers to updatable, DCAI-compatible Solidity, and prove that they agree."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = [
    "Compiled",
    "ParityReport",
    "__version__",
    "attach",
    "compile_model",
    "load_artifact",
    "supported_estimators",
]


def __getattr__(name: str) -> object:
    # Imported on first use: `dcai --version` need not wait for scikit-learn and web3.
    from importlib import import_module

    homes = {
        "Compiled": "artifact",
        "ParityReport": "verify",
        "attach": "chain.api",
        "compile_model": "pipeline",
        "load_artifact": "folder",
        "supported_estimators": "families",
    }
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{homes[name]}"), name)
