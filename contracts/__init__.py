"""Hand-written Solidity, compiled with what is generated. Only data lives here."""
