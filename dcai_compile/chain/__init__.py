"""A compiled system on a real chain: deploy, use, audit, pull, over JSON-RPC."""
