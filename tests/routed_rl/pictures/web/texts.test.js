// Numbers are written as in the reports; tests/routed_rl/charts/test_text.py reads the same cases.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { numberText, percentText } from "#web/model/texts.js";

const cases = JSON.parse(readFileSync(new URL("texts.json", import.meta.url), "utf8"));

test("numbers are written as in the reports", () => {
  for (const { value, number, percent } of cases) {
    assert.deepEqual([numberText(value), percentText(value)], [number, percent]);
  }
  assert.deepEqual([numberText(-1.005, 2), percentText(0.5, 0)], ["−1.00", "50%"]);
});
