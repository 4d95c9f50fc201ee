import { describe, expect, it } from "vitest";

import type { SecurityEvent } from "../../api/events";
import { furtherOf, pathOf, recordOf } from "./fields";

const event: SecurityEvent = { id: "1", time: 0, type: "t", origin: "o", description: "d", severity: 1 };
const grips = { onOnly: () => undefined, onExclude: () => undefined };

describe("between whom an event happened", () => {
  it.each([
    [{}, "o"],
    [{ source_namespace: "uat", source_name: "netshoot", source_ip: "10.0.0.1", source_port: 4000, dest_ip: "10.0.0.2", dest_port: 80, protocol: "tcp" },
      "uat/netshoot 10.0.0.1:4000 → 10.0.0.2:80 tcp"],
    [{ source_namespace: "-", source_name: "-", source_ip: "2001:db8::1", source_port: 53, dest_namespace: "dev", dest_name_aggr: "web-*" },
      "[2001:db8::1]:53 → dev/web-*"],
    [{ dest_port: 22 }, "? → port 22"],
  ])("%j", (part, text) => {
    expect(pathOf({ ...event, ...part })).toBe(text);
  });
});

describe("every field of an event", () => {
  it("is shown under some label, whoever made it up", () => {
    const labels = furtherOf({ ...event, mitre_ids: ["T1059"], mitre_tactic: "", made_up: { by: "us" } }, grips).map(([label]) => label);
    expect(labels).toEqual(["MITRE techniques", "Id", "made_up"]);
  });

  it("keeps what a record does not have out of sight", () => {
    expect(recordOf(event, grips)).toEqual({ rule: undefined, why: [], facts: [] });
    expect(recordOf({ ...event, record: { snort_signature_id: "7", class: null, why: "?" } }, grips).facts.map(([label]) => label)).toEqual(["Signature"]);
  });
});
