import { describe, expect, it } from "vitest";

import { captureOf, emptyForm, manifestOf } from "./form";

const NOW = new Date("2026-11-22T10:00:00Z");

describe("a new capture", () => {
  it("begins now and ends a quarter of an hour later unless told otherwise", () => {
    expect(captureOf({ ...emptyForm(NOW), name: "c" })).toEqual({
      namespace: "default",
      name: "c",
      end: "2026-11-22T10:15:00Z",
    });
  });

  it("begins at the time given when it is scheduled", () => {
    const form = { ...emptyForm(NOW), name: "c", when: "scheduled" as const, end: "" };
    expect(captureOf(form)).toEqual({ namespace: "default", name: "c", start: "2026-11-22T10:00:00Z" });
  });

  it("writes port numbers as numbers and ranges as text", () => {
    const capture = captureOf({ ...emptyForm(NOW), end: "", protocol: "TCP", ports: ["80", "6040:6050"] });
    expect(capture.filters).toEqual([{ protocol: "TCP", ports: [80, "6040:6050"] }]);
  });

  it("leaves the selector out when it is blank", () => {
    expect(captureOf({ ...emptyForm(NOW), end: "", selector: "  " })).not.toHaveProperty("selector");
  });

  it("is a manifest for kubectl, too", () => {
    const { metadata, spec } = manifestOf({ namespace: "dev", name: "c", selector: 'app == "x"', end: "2026-11-22T10:15:00Z" });
    expect(metadata).toEqual({ namespace: "dev", name: "c" });
    expect(spec).toEqual({ selector: 'app == "x"', endTime: "2026-11-22T10:15:00Z" });
  });
});
