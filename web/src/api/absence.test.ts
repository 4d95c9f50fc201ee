import { describe, expect, it } from "vitest";

import { type Facts, noEvents, noRecords } from "./absence";
import type { NodeReport } from "./kube";
import type { Dataset } from "./logs";

const NOW = new Date("2026-11-22T10:00:00Z");
const HOUR_AGO = new Date("2026-11-22T09:00:00Z");

const report = (role: "agent" | "inspector", status: NonNullable<NodeReport["status"]>): NodeReport => ({
  metadata: { name: `n1-${role}` },
  spec: { node: "n1", role },
  status,
});
const facts = (part: Partial<Facts>): Facts => ({ reports: [], inspections: 0, alerts: 0, from: HOUR_AGO, now: NOW, ...part });
const inspection = { namespace: "dev", name: "d", uid: "u", success: true, attached: 2 };
const flows: Dataset = {
  name: "flows", time_field: "start_time", retention_days: 8, index: "tigera_secure_ee_flows", has_data: true, fields: [], aliases: {},
};
const said = (reasons: { name: string; text: string }[]): string[] => reasons.map(({ name, text }) => `${name}: ${text}`);

describe("why there is no event", () => {
  it("nothing is asked for", () => {
    expect(said(noEvents(facts({}), 91))).toEqual(["Not selected: there is no DeepPacketInspection and no alert is configured."]);
  });

  it("the selectors pick nothing", () => {
    const reports = [report("inspector", { inspections: [{ ...inspection, attached: 0 }] })];
    expect(said(noEvents(facts({ reports, inspections: 1 }), 91))).toEqual(["Not selected: the selectors of 1 inspection pick no workload."]);
  });

  it("nobody looks", () => {
    expect(said(noEvents(facts({ inspections: 2 }), 91))).toEqual(["Nothing sent: 2 inspections asked for, but no inspector reports."]);
  });

  it("packets were looked at, and some were lost", () => {
    const reports = [report("inspector", { inspections: [inspection], packets: 12, drops: { kernel: 3 } })];
    expect(said(noEvents(facts({ reports, inspections: 1 }), 91))).toEqual([
      "Nothing sent: 12 packets of 2 workloads looked at, and no rule has fired in this time.",
      "Dropped: 3 packets lost before they were looked at since the processes began.",
    ]);
  });

  it("it is too long ago", () => {
    const from = new Date("2026-01-01T00:00:00Z");
    expect(said(noEvents(facts({ alerts: 1, from }), 91))).toEqual([
      "Nothing sent: 1 alert configured, and none found anything in this time.",
      "Expired: what is older than 91 days is not kept.",
    ]);
  });
});

describe("why there is no record", () => {
  it.each([
    [[], "Nothing sent: no agent reports to this server."],
    [[report("agent", { endpoints: 0 })], "Not selected: 1 agent reporting, and none sees a workload."],
    [[report("agent", { endpoints: 3 })], "Nothing sent: 3 workloads seen; none of them had such traffic in this time."],
  ])("agents %j", (reports, text) => {
    expect(said(noRecords(facts({ reports }), flows))).toEqual([text]);
  });

  it("records were given up on their way", () => {
    const reports = [report("agent", { endpoints: 1, spool: { lost: 1 } })];
    expect(said(noRecords(facts({ reports }), flows))[1]).toBe(
      "Dropped: 1 record given up on the way to the server since the processes began.",
    );
  });

  it("nobody writes the data set", () => {
    expect(said(noRecords(facts({}), { ...flows, name: "l7", has_data: false }))).toEqual([
      "Nothing sent: nothing here writes the data set l7.",
    ]);
  });

  it("all time reaches beyond what is kept", () => {
    expect(said(noRecords(facts({ from: undefined }), { ...flows, name: "audit" })).at(-1)).toBe(
      "Expired: what is older than 8 days is not kept.",
    );
  });
});
