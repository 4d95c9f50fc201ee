// @vitest-environment node
import { readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { generated, TYPES } from "../../scripts/generate.mjs";

describe("the types of the API", () => {
  it("are what its documents say; `npm run generate` writes them", async () => {
    const wanted = Object.fromEntries(await generated());
    const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, readFileSync(path.join(TYPES, name), "utf8")]));
    expect(Object.keys(wanted)).toEqual(["kodkod.ts", "projectcalico.ts", "v1.ts"]);
    expect(found).toEqual(wanted);
  });
});
