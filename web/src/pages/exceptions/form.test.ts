import { describe, expect, it } from "vitest";

import type { SecurityEvent } from "../../api/events";
import { emptyForm, exceptionOf, stateOf } from "./form";
import { scopesOf } from "./scopes";

const NOW = new Date("2026-11-22T10:00:00Z");
const form = { ...emptyForm(NOW, 'origin = "o"'), name: "e", reason: "known" };

describe("an exception", () => {
  it("begins now and ends after a week unless told otherwise", () => {
    expect(exceptionOf(form, NOW).spec).toEqual({
      description: "known",
      selector: 'origin = "o"',
      startTime: "2026-11-22T10:00:00Z",
      endTime: "2026-11-29T10:00:00Z",
    });
  });

  it("has no end when it never ends", () => {
    expect(exceptionOf({ ...form, end: "never" }, NOW).spec).not.toHaveProperty("endTime");
  });

  it.each([
    ["2026-11-22T10:00:00Z", undefined, "In force"],
    ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z", "Ended"],
    ["2026-11-23T09:00:00Z", undefined, "Planned"],
  ])("from %s to %s is %s", (startTime, endTime, state) => {
    const spec = { description: "d", selector: "s", startTime, ...(endTime === undefined ? {} : { endTime }) };
    expect(stateOf({ metadata: { name: "e" }, spec }, NOW)).toBe(state);
  });
});

describe("scopes of an alert", () => {
  const event: SecurityEvent = {
    id: "1", time: 0, type: "deep_packet_inspection", origin: "dpi.dev/d", description: "d", severity: 100,
    source_namespace: "-", source_name: "-", dest_namespace: "dev", dest_name: 'we"b', record: { snort_signature_id: "7" },
  };

  it("go from one workload to everything of the origin, and leave out ends without a name", () => {
    expect(scopesOf(event)).toEqual([
      {
        label: "This rule, this destination workload",
        selector: 'origin = "dpi.dev/d" AND "record.snort_signature_id" = "7" AND dest_namespace = "dev" AND dest_name = "we\\"b"',
      },
      {
        label: "This rule, this destination namespace",
        selector: 'origin = "dpi.dev/d" AND "record.snort_signature_id" = "7" AND dest_namespace = "dev"',
      },
      { label: "This rule, everywhere", selector: 'origin = "dpi.dev/d" AND "record.snort_signature_id" = "7"' },
      { label: "Everything of this origin", selector: 'origin = "dpi.dev/d"' },
    ]);
  });
});
