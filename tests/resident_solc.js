// SPDX-License-Identifier: MIT
//
// The compiler's WebAssembly build, kept in memory between compilations: loading it takes longer
// than a small contract does. Requests and answers are standard JSON, a line each.
"use strict";

const path = require("path");
const readline = require("readline");

const answer = process.stdout.write.bind(process.stdout);
console.log = console.error;
const soljson = require(path.join(process.argv[2], "soljson.js"));

readline.createInterface({ input: process.stdin }).on("line", (input) => {
  const size = soljson.lengthBytesUTF8(input) + 1;
  const pointer = soljson._solidity_alloc(size);
  soljson.stringToUTF8(input, pointer, size);
  const output = soljson.UTF8ToString(soljson._solidity_compile(pointer, 0, 0));
  soljson._solidity_reset();
  // JSON escapes line ends inside strings, so that an answer without spaces is one line.
  answer(JSON.stringify(JSON.parse(output)) + "\n");
});
