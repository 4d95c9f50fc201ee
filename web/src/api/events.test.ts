import { describe, expect, it } from "vitest";

import { eventQuery, type EventType, type SecurityEvent, severityWord } from "./events";

const KNOWN: EventType[] = [
  { label: "Deep Packet Inspection", types: ["deep_packet_inspection"] },
  { label: "Suspicious Flow", types: ["gtf_suspicious_flow", "suspicious_flow"] },
];

describe("a query of type labels and typed text", () => {
  it("is the typed text where no label is chosen", () => {
    expect(eventQuery("severity > 50", [], KNOWN)).toBe("severity > 50");
  });

  it("asks for every machine name of a label", () => {
    expect(eventQuery("", ["Suspicious Flow"], KNOWN)).toBe('type = "gtf_suspicious_flow" OR type = "suspicious_flow"');
  });

  it("joins both", () => {
    expect(eventQuery("host = n1", ["Deep Packet Inspection"], KNOWN)).toBe(
      '(type = "deep_packet_inspection") AND (host = n1)',
    );
  });
});

describe("severity", () => {
  const event: SecurityEvent = { id: "1", time: 0, type: "alert", origin: "o", description: "d", severity: 0 };

  it.each([
    [100, "Critical"],
    [89, "High"],
    [40, "Medium"],
    [39, "Low"],
  ] as const)("%d without a word is %s", (severity, word) => {
    expect(severityWord({ ...event, severity })).toBe(word);
  });

  it("is the server's word where it wrote one", () => {
    expect(severityWord({ ...event, severity: 1, severity_label: "High" })).toBe("High");
  });
});
