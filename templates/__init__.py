"""Solidity templates, one per model family; `_*` are shared partials. Only data lives here."""
