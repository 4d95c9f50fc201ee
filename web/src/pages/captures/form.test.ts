import { describe, expect, it } from "vitest";

import { captureOf, emptyForm } from "./form";

const NOW = new Date("2026-11-22T10:00:00Z");

describe("a new capture", () => {
  it("ends a quarter of an hour from now unless told otherwise", () => {
    const capture = captureOf({ ...emptyForm(NOW), name: "c" });
    expect(capture.spec).toEqual({ endTime: "2026-11-22T10:15:00Z" });
  });

  it("writes port numbers as numbers and ranges as text", () => {
    const capture = captureOf({ ...emptyForm(NOW), end: "", protocol: "TCP", ports: ["80", "6040:6050"] });
    expect(capture.spec).toEqual({ filters: [{ protocol: "TCP", ports: [80, "6040:6050"] }] });
  });

  it("leaves the selector out when it is blank", () => {
    expect(captureOf({ ...emptyForm(NOW), end: "", selector: "  " }).spec).toEqual({});
  });
});
