"""Why rows of the tables of gas are above their limit: what ours does there that a prototype does not."""

from __future__ import annotations

REASONS = """\
- *Deployment*: a complete contract (ownership, getters, typed errors, batches, DCAI's whole interface) is 10.6
  to 12.8 kB of logic, 216 gas a byte with its calldata, and another kilobyte with the packed entry; the
  prototypes have 3 to 5 kB. Slots that are written at deployment, so that no lesson pays for them, are in
  both. W7, of which nearly all is the model, is below its prototype.
- *W7, refund and share*: quotients are good to a part in 2^100, and totals are raised to powers for each
  sample, for ten classes, of which the counts of each word are read as two digits.
- *Packed W4/20, predict*: the same for two classes; through DCAI's ABI it is within its limit, but here indices
  of 10 bits are unpacked to words first (1,100 gas of 20).
- *W8, packed*: addData reads and writes the slot of flags and class records (5,000) beside four slots of
  lanes; the prototype has no flags, so that its predictions read all that could have been learned.
- Records are kept, not overwritten: for packed addData the limit allows for 17,100 more."""
