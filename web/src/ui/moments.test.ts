import { describe, expect, it } from "vitest";

import { bytes, ends, fieldTime, instant, isSpan, local, periodOf, utc } from "./moments";

describe("times", () => {
  it("shows unix seconds, text and dates alike", () => {
    const moment = new Date(2026, 10, 22, 9, 5, 3);
    expect(local(moment)).toBe("2026-11-22 09:05:03");
    expect(local(moment.getTime() / 1000)).toBe("2026-11-22 09:05:03");
    expect(local(moment.toISOString())).toBe("2026-11-22 09:05:03");
  });

  it("shows a dash for what is absent or unreadable", () => {
    expect(local(null)).toBe("-");
    expect(local("not a time")).toBe("-");
    expect(utc(undefined)).toBe("");
  });

  it("gives UTC without fractions", () => {
    expect(utc("2026-11-22T10:00:00.123Z")).toBe("2026-11-22T10:00:00Z");
  });
});

describe("periods", () => {
  const now = new Date("2026-11-22T10:00:00Z");

  it("begin so many seconds ago", () => {
    expect(ends({ span: "15m" }, now)).toEqual({ from: "2026-11-22T09:45:00.000Z" });
    expect(ends({ span: "all" }, now)).toEqual({});
  });

  it("have the ends that are given", () => {
    const to = "2026-11-22T09:00:00Z";
    expect(ends(periodOf({ span: "between", to, from: "soon" }, "1h"), now)).toEqual({ to });
  });

  it("know their own words only", () => {
    expect(isSpan("24h")).toBe(true);
    expect(periodOf({ span: "2 fortnights", from: "2026-11-22T09:00:00Z" }, "1h")).toEqual({ span: "1h" });
  });

  it("go into a field and come back", () => {
    expect(instant(fieldTime("2026-11-22T09:00:00Z"))).toBe("2026-11-22T09:00:00Z");
    expect(fieldTime(undefined)).toBe("");
    expect(instant("soon")).toBe("soon");
  });
});

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [30_000_000, "30.0 MB"],
  ])("shows %d as %s", (count, text) => {
    expect(bytes(count)).toBe(text);
  });
});
