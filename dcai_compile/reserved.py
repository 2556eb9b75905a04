"""Words that Solidity keeps for itself."""

from __future__ import annotations

RESERVED = (
    frozenset(
        """abstract address anonymous apply as assembly assert auto bool break byte bytes case catch
    constant constructor continue contract copyof days default define delete do else emit enum
    error ether event external fallback false final finney fixed for function gwei hex hours if
    immutable implements import in indexed inline int interface internal is keccak256 layout let
    library macro mapping match memory minutes modifier msg mutable new now null of override
    partial payable pragma private promise public pure receive reference relocatable require
    return returns revert sealed seconds selfdestruct sha256 sizeof static storage string struct
    super supports suicide switch szabo this throw transient true try tx type typedef typeof
    ufixed uint unchecked unicode unit using var view virtual weeks wei while years""".split()
    )
    | {f"{kind}{bits}" for kind in ("int", "uint") for bits in range(8, 257, 8)}
    | {f"bytes{size}" for size in range(1, 33)}
)
