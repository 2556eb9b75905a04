"""Why rows of the tables of gas are above their limit: what ours does there that a prototype does not."""

from __future__ import annotations

REASONS = """\
- *Deployment*: a complete contract (ownership, getters, typed errors, batches, DCAI's whole interface) is 11
  to 13 kB of logic, 216 gas a byte with its calldata, and another kilobyte with the packed entry; the
  prototypes have 3 to 5 kB. Slots that are written at deployment, so that no lesson pays for them, are in
  both. W7, of which nearly all is the model, is below its prototype.
- *report, all* of short samples (at most 1.5 % over): the creator is in a slot of its own (2,100), and can be
  handed on, so that it is no constant; the record is the only other slot that such a claim reads. (Where
  claims are open, as DCAI's are, the creator is not asked for.) A lock against reentrancy is 300 more: settled
  before it is paid, a claim would be safe without it, but it holds money.
- *W4/20, predict*: quotients are good to a part in 2^100, and totals are raised to powers for each sample.
- *W7, refund and share*: the same for ten classes, of which the counts of each word are read as two digits.
- *W8, packed*: addData reads and writes the slot of flags and class records (5,000) beside four slots of
  lanes; the prototype has no flags, so that its predictions read all that could have been learned. Its refund
  is 1 % over: both classes that were taught are read, multiplied and squared, since squared norms that are
  kept would take two slots more in everything.
- *Packed W2, addData wrong*: 25 slots of learned lanes beside a base in code. The prototype keeps whole
  weights in these slots, reads them in every prediction, and pays only for writing them here (2,900 a slot).
- *Packed W4, W5, W7*: records are kept, not overwritten (the limit allows for 17,100 in addData); for the
  rest see above."""
