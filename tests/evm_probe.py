"""A contract that shows what an EVM does, for the tests of the test EVMs.

Compiled by solc 0.8.34 for cancun, optimizer on with runs = 1, no metadata, from:

    // SPDX-License-Identifier: MIT
    pragma solidity 0.8.34;

    contract Probe {
        error Refused(uint256 count, address who);

        event Added(address indexed who, uint256 indexed slot, uint256 value, bytes note);

        function add(uint256 slot, uint256 by) external returns (uint256 value) {
            assembly { value := sload(slot) }
            value += by;
            assembly { sstore(slot, value) }
            emit Added(msg.sender, slot, value, msg.data);
        }

        function set(uint256 slot, uint256 value) external {
            assembly { sstore(slot, value) }
        }

        function get(uint256 slot) external view returns (uint256 value) {
            assembly { value := sload(slot) }
        }

        function touch() external returns (uint256 before) {
            assembly {
                before := tload(7)
                tstore(7, add(before, 1))
            }
        }

        function refuse(uint256 count) external {
            assembly {
                tstore(7, 1)
                sstore(0, count)
            }
            revert Refused(count, msg.sender);
        }

        function complain(string calldata why) external pure {
            revert(why);
        }

        function stop() external pure {
            assembly { invalid() }
        }

        function pay() external payable {}

        function payOut(address payable to, uint256 amount) external {
            (bool paid, ) = to.call{value: amount}("");
            require(paid, "unpaid");
        }

        function create(bytes calldata initcode) external returns (address child) {
            bytes memory code = initcode;
            assembly { child := create(0, add(code, 32), mload(code)) }
        }

        function spin(uint256 rounds) external pure returns (uint256 sum) {
            unchecked {
                for (uint256 i; i < rounds; ++i) sum += i * i;
            }
        }

        function surroundings() external view returns (uint256[6] memory) {
            return [block.timestamp, block.number, block.chainid,
                    tx.gasprice, block.basefee, block.gaslimit];
        }
    }
"""

from __future__ import annotations

from typing import Any

from eth_abi import decode, encode
from eth_utils.crypto import keccak

INITCODE = bytes.fromhex(
    "6080604052348015600e575f5ffd5b506105b68061001c5f395ff3fe608060405260043610610096575f3560e0"
    "1c80630221038a1461009a57806307da68f5146100bb5780631ab06ee5146100cc5780631b9265b8146100b957"
    "806369797926146100ea578063771602f7146101145780639310490f146101415780639507d39a146101605780"
    "63a55526db1461017e578063a5b6ea8f14610192578063a60a07b2146101b1578063cf5ba53f146101d0575b5f"
    "5ffd5b3480156100a5575f5ffd5b506100b96100b436600461040e565b610207565b005b3480156100c6575f5f"
    "fd5b506100b9fe5b3480156100d7575f5ffd5b506100b96100e6366004610443565b9055565b3480156100f557"
    "5f5ffd5b506100fe610299565b60405161010b9190610463565b60405180910390f35b34801561011f575f5ffd"
    "5b5061013361012e366004610443565b6102d3565b60405190815260200161010b565b34801561014c575f5ffd"
    "5b506100b961015b3660046104d7565b610330565b34801561016b575f5ffd5b5061013361017a366004610515"
    "565b5490565b348015610189575f5ffd5b5061013361034c565b34801561019d575f5ffd5b506101336101ac36"
    "6004610515565b61035a565b3480156101bc575f5ffd5b506100b96101cb366004610515565b61037b565b3480"
    "156101db575f5ffd5b506101ef6101ea3660046104d7565b6103a6565b6040516001600160a01b039091168152"
    "60200161010b565b5f826001600160a01b0316826040515f6040518083038185875af1925050503d805f811461"
    "0250576040519150601f19603f3d011682016040523d82523d5f602084013e610255565b606091505b50509050"
    "806102945760405162461bcd60e51b81526020600482015260066024820152651d5b9c185a5960d21b60448201"
    "526064015b60405180910390fd5b505050565b6102a16103f0565b6040518060c0016040528042815260200143"
    "81526020014681526020013a815260200148815260200145815250905090565b81546102df828261052c565b90"
    "5080835582336001600160a01b03167f99a8b98665d01e02f7a4acc8f22c46430a2179785093078847bb2022a4"
    "254851835f3660405161032293929190610579565b60405180910390a392915050565b818160405162461bcd60"
    "e51b815260040161028b92919061059b565b6007805c9060018201905d90565b5f5f5b82811015610375578080"
    "02919091019060010161035d565b50919050565b600160075d5f81905560405163063fc3b960e21b8152600481"
    "0182905233602482015260440161028b565b5f5f83838080601f01602080910402602001604051908101604052"
    "80939291908181526020018383808284375f9201829052508451949550602086019350915050f0949350505050"
    "565b6040518060c001604052806006906020820280368337509192915050565b5f5f6040838503121561041f57"
    "5f5ffd5b82356001600160a01b0381168114610435575f5ffd5b946020939093013593505050565b5f5f604083"
    "85031215610454575f5ffd5b50508035926020909101359150565b60c0810181835f5b600681101561048a5781"
    "5183526020928301929091019060010161046b565b50505092915050565b5f5f83601f8401126104a3575f5ffd"
    "5b5081356001600160401b038111156104b9575f5ffd5b6020830191508360208285010111156104d0575f5ffd"
    "5b9250929050565b5f5f602083850312156104e8575f5ffd5b82356001600160401b038111156104fd575f5ffd"
    "5b61050985828601610493565b90969095509350505050565b5f60208284031215610525575f5ffd5b50359190"
    "50565b8082018082111561054b57634e487b7160e01b5f52601160045260245ffd5b92915050565b8183528181"
    "6020850137505f828201602090810191909152601f909101601f19169091010190565b83815260406020820152"
    "5f610592604083018486610551565b95945050505050565b602081525f6105ae602083018486610551565b9493"
    "5050505056"
)

RUNTIME = INITCODE[28:]


def calldata(signature: str, *arguments: Any) -> bytes:
    """The calldata that calls `signature`, such as ``add(uint256,uint256)``, or its error data."""
    types = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4] + encode(types.split(",") if types else [], arguments)


def number(output: bytes) -> int:
    """The one uint256 in a return value."""
    (value,) = decode(["uint256"], output)
    return int(value)


def initcode_of(runtime: bytes) -> bytes:
    """Initcode that returns `runtime`: PUSH3 n, DUP1, PUSH1 11, PUSH0, CODECOPY, PUSH0, RETURN."""
    return bytes.fromhex(f"62{len(runtime):06x}80600b5f395ff3") + runtime
