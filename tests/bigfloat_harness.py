"""A contract that shows the functions of `BigFloat`, for the tests of the library."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dcai_compile.evm import Evm, open_evms
from dcai_compile.solc import compile_standard

LIBRARY = Path(__file__).resolve().parent.parent / "contracts" / "libraries" / "BigFloat.sol"

HARNESS = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BigFloat} from "./BigFloat.sol";

contract Harness {
    function normalize(uint256 m, int256 e) external pure returns (uint256, int256) {
        return BigFloat.normalize(m, e);
    }

    function lift(uint256 v, uint256 l) external pure returns (uint256, int256) {
        return BigFloat.lift(v, l);
    }

    function pack(uint256 m, int256 e) external pure returns (int256) {
        return BigFloat.pack(m, e);
    }

    function unpack(int256 p) external pure returns (uint256, int256) {
        return BigFloat.unpack(p);
    }

    function mulSmall(uint256 m, int256 e, uint256 f, uint256 b) external pure returns (uint256, int256) {
        return BigFloat.mulSmall(m, e, f, b);
    }

    function mul(uint256 a, int256 b, uint256 c, int256 d) external pure returns (uint256, int256) {
        return BigFloat.mul(a, b, c, d);
    }

    function square(uint256 a, int256 b) external pure returns (uint256, int256) {
        return BigFloat.square(a, b);
    }

    function div(uint256 a, int256 b, uint256 c, int256 d) external pure returns (uint256, int256) {
        return BigFloat.div(a, b, c, d);
    }

    function power(uint256 m, int256 e, uint256 n) external pure returns (uint256, int256) {
        return BigFloat.power(m, e, n, BigFloat.topBit(n));
    }

    function divPacked(uint256 a, int256 e, uint256 b, int256 f) external pure returns (int256) {
        return BigFloat.divPacked(a, e, b, f);
    }

    function mulDiv(uint256 c, int256 d, uint256 a, int256 e, uint256 b, int256 f)
        external
        pure
        returns (int256)
    {
        return BigFloat.mulDiv(c, d, a, e, b, f);
    }

    function topBit(uint256 n) external pure returns (uint256) {
        return BigFloat.topBit(n);
    }

    function powInt(uint256 b, uint256 n) external pure returns (uint256, int256) {
        return BigFloat.powInt(b, n);
    }

    function log2X64(uint256 m, int256 e) external pure returns (int256) {
        return BigFloat.log2X64(m, e);
    }

    function gas(uint256 m, int256 e, uint256 n) external view returns (uint256[8] memory used) {
        // Every call takes the one before's result, so that none can be optimised away.
        used[0] = gasleft();
        (m, e) = BigFloat.mul(m, e, m, e);
        used[1] = gasleft();
        (m, e) = BigFloat.div(m, e, m - 1, e);
        used[2] = gasleft();
        (m, e) = BigFloat.power(m, e, n, BigFloat.topBit(n));
        used[3] = gasleft();
        (m, e) = BigFloat.mulSmall(m, e, n, 78);
        used[4] = gasleft();
        (m, e) = BigFloat.normalize(m, e);
        used[5] = gasleft();
        (m, e) = BigFloat.unpack(BigFloat.pack(m, e));
        used[6] = gasleft();
        e = BigFloat.log2X64(m, e);
        used[7] = gasleft();
        require(e != 0);
    }
}
"""


@cache
def deployed() -> tuple[Evm, str]:
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {
                "Harness.sol": {"content": HARNESS},
                "BigFloat.sol": {"content": LIBRARY.read_text(encoding="utf-8")},
            },
            "settings": {
                "evmVersion": "cancun",
                "optimizer": {"enabled": True, "runs": 200},
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
            },
        }
    )
    code = output["contracts"]["Harness.sol"]["Harness"]["evm"]["bytecode"]["object"]
    (evm,) = open_evms("revm")
    return evm, evm.deploy(bytes.fromhex(code)).address
