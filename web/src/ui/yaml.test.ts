import { describe, expect, it } from "vitest";

import { yaml } from "./yaml";

describe("manifests", () => {
  it("writes nested objects and lists", () => {
    const text = yaml({ kind: "PacketCapture", spec: { filters: [{ protocol: "TCP", ports: [80, "1:2"] }, {}] } });
    expect(text).toBe(
      [
        "kind: PacketCapture",
        "spec:",
        "  filters:",
        "    - protocol: TCP",
        "      ports:",
        "        - 80",
        '        - "1:2"',
        "    - {}",
        "",
      ].join("\n"),
    );
  });

  it("quotes what YAML would read as something else", () => {
    expect(yaml({ a: "true", b: "1m", c: 'x = "y"', d: "plain.text" })).toBe(
      'a: "true"\nb: "1m"\nc: "x = \\"y\\""\nd: plain.text\n',
    );
  });

  it("leaves out what is undefined", () => {
    expect(yaml({ a: undefined, b: 1 })).toBe("b: 1\n");
  });
});
