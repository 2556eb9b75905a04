#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// The Solidity compiler's WebAssembly build (soljson.js, beside this file) behind the two
// options of the native command line that py-solc-x uses: `--version` and `--standard-json`.
// Standard output carries the answer and nothing else.
"use strict";

// What soljson.js reports of itself. Stated, not asked: loading it takes half a second, and its
// SHA-256 is checked before this file is put beside it.
const VERSION = "0.8.34+commit.80d5c536.Emscripten.clang";

const fs = require("fs");
const path = require("path");

console.log = console.error;

function compile(input) {
  const soljson = require(path.join(__dirname, "soljson.js"));
  // The input goes to the heap. Passed as a string argument it would go to the compiler's stack,
  // which sources of some 5 MB overflow.
  const size = soljson.lengthBytesUTF8(input) + 1;
  const pointer = soljson._solidity_alloc(size);
  soljson.stringToUTF8(input, pointer, size);
  return soljson.UTF8ToString(soljson._solidity_compile(pointer, 0, 0));
}

function main(options) {
  if (options.length === 1 && options[0] === "--version") {
    process.stdout.write(
      `solc, the solidity compiler commandline interface\nVersion: ${VERSION}\n`
    );
  } else if (options.length === 1 && options[0] === "--standard-json") {
    process.stdout.write(compile(fs.readFileSync(0, "utf8")) + "\n");
  } else {
    process.stderr.write(`unrecognised option '${options.join(" ")}'\n`);
    process.exitCode = 1;
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`soljson ${VERSION} failed: ${error.message}\n`);
  process.exitCode = 1;
}
