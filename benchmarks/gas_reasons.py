"""Why rows of the tables of gas are above their limit: what ours does there that a prototype does not."""

from __future__ import annotations

REASONS = """\
- *Deployment*: a complete contract (ownership, getters, typed errors, both entries, batches) is 13 to 15 kB
  of logic, 216 gas a byte with its calldata; the prototypes have a few kB. Solidity's IR pipeline would
  make it 7 to 13 % smaller, and sparse predictions 7 to 19 % dearer: what is paid once gives way.
- *report, all* of short samples: the creator is in a slot of its own (2,100), and can be handed on, so
  that it is no constant; the record is the only other slot that such a claim reads.
- *W4 and W7, refund, share, predict*: quotients are good to a part in 2^100, totals are raised to powers
  for each sample, and counts may carry into a second table.
- *W8 refund*: two classes have been taught, and all sums of both are read, multiplied and squared: squared
  norms that are kept would take two slots more in everything.
- *Packed addData* and *report, all*: a packed sample is unpacked to the array that DCAI's key is the hash
  of (27 to 38 gas a dense value), so that either entry can claim what the other added; records are
  kept, which the limit allows for with 17,100.
- *Packed W3, W8, predict*: products are of the unpacked values; the prototype multiplies packed lanes."""
