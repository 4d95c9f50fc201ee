import { describe, expect, it } from "vitest";

import { condition, narrowed } from "./query";

describe("narrowing a query", () => {
  it.each([
    ["", 'host = "n1"'],
    ["severity > 5", 'severity > 5 AND host = "n1"'],
    ["a = 1 OR b = 2", '(a = 1 OR b = 2) AND host = "n1"'],
  ])("%j becomes %j", (query, wanted) => {
    expect(narrowed(query, "host", "=", "n1")).toBe(wanted);
  });

  it("quotes what would end the text", () => {
    expect(condition("origin", "!=", 'a\\"b')).toBe('origin != "a\\\\\\"b"');
  });

  it("quotes a key that is a path", () => {
    expect(condition("record.snort_signature_id", "=", "1")).toBe('"record.snort_signature_id" = "1"');
  });
});
