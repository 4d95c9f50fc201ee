import { describe, expect, it } from "vitest";

import { eventQuery, severityWord, typeLabel } from "./events";

describe("the query of the filter bar", () => {
  it("is what was typed when no type is chosen", () => {
    expect(eventQuery('origin = "a"', [])).toBe('origin = "a"');
  });

  it("keeps the chosen types", () => {
    expect(eventQuery("", ["Deep Packet Inspection", "Custom"])).toBe(
      'type = "deep_packet_inspection" OR type = "alert"',
    );
  });

  it("binds types tighter than the typed OR", () => {
    expect(eventQuery("host = a OR host = b", ["WAF Event"])).toBe('(type = "waf") AND (host = a OR host = b)');
  });
});

describe("labels", () => {
  it("names known machine types and leaves others as they are", () => {
    expect(typeLabel("global_alert")).toBe("Global Alert");
    expect(typeLabel("brand_new")).toBe("brand_new");
  });

  it.each([
    [100, "Critical"],
    [89, "High"],
    [40, "Medium"],
    [39, "Low"],
  ] as const)("says %d is %s", (severity, word) => {
    expect(severityWord(severity)).toBe(word);
  });
});
