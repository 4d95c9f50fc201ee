/** Why is there no data? Not selected, nothing sent, dropped, expired: what nodes report and what is configured tell which. */
import type { NodeReport } from "./kube";
import type { Dataset } from "./logs";

export interface Facts {
  reports: NodeReport[];
  /** Number of DeepPacketInspections and of GlobalAlerts. */
  inspections: number;
  alerts: number;
  /** Where the asked time range begins, unless it has no beginning. */
  from?: Date | undefined;
  now: Date;
}

export interface Absence {
  name: "Not selected" | "Nothing sent" | "Dropped" | "Expired";
  text: string;
}

const DAY_MS = 86_400_000;

/** Why there is no event. retentionDays: how long events are kept. */
export function noEvents(facts: Facts, retentionDays: number): Absence[] {
  return [...sourcesOfEvents(facts), ...dropped(facts, "inspector"), ...expired(facts, retentionDays)];
}

function sourcesOfEvents({ reports, inspections, alerts }: Facts): Absence[] {
  if (inspections === 0 && alerts === 0) {
    return [{ name: "Not selected", text: "there is no DeepPacketInspection and no alert is configured." }];
  }
  const found: Absence[] = [];
  if (inspections > 0) {
    const inspectors = ofRole(reports, "inspector");
    const attached = sum(inspectors, (report) => sum(report.status?.inspections ?? [], (one) => one.attached ?? 0));
    const packets = sum(inspectors, (report) => report.status?.packets ?? 0);
    if (inspectors.length === 0) {
      found.push({ name: "Nothing sent", text: `${count(inspections, "inspection")} asked for, but no inspector reports.` });
    } else if (attached === 0) {
      found.push({ name: "Not selected", text: `the selectors of ${count(inspections, "inspection")} pick no workload.` });
    } else {
      const looked = `${count(packets, "packet")} of ${count(attached, "workload")} looked at`;
      found.push({ name: "Nothing sent", text: `${looked}, and no rule has fired in this time.` });
    }
  }
  if (alerts > 0) found.push({ name: "Nothing sent", text: `${count(alerts, "alert")} configured, and none found anything in this time.` });
  return found;
}

/** Why a log has no record. */
export function noRecords(facts: Facts, dataset: Dataset): Absence[] {
  if (!dataset.has_data) return [{ name: "Nothing sent", text: `nothing here writes the data set ${dataset.name}.` }];
  const found: Absence[] = [];
  if (dataset.name === "flows" || dataset.name === "dns") {
    const agents = ofRole(facts.reports, "agent");
    const endpoints = sum(agents, (report) => report.status?.endpoints ?? 0);
    if (agents.length === 0) found.push({ name: "Nothing sent", text: "no agent reports to this server." });
    else if (endpoints === 0) found.push({ name: "Not selected", text: `${count(agents.length, "agent")} reporting, and none sees a workload.` });
    else found.push({ name: "Nothing sent", text: `${count(endpoints, "workload")} seen; none of them had such traffic in this time.` });
    found.push(...dropped(facts, "agent"));
  } else {
    found.push({ name: "Nothing sent", text: "nothing of this kind happened in this time." });
  }
  return [...found, ...expired(facts, dataset.retention_days)];
}

function dropped({ reports }: Facts, role: string): Absence[] {
  const ours = ofRole(reports, role);
  const packets = sum(ours, (report) => drops(report));
  const records = sum(ours, (report) => report.status?.spool?.lost ?? 0);
  const said = [
    ...(packets > 0 ? [`${count(packets, "packet")} lost before they were looked at`] : []),
    ...(records > 0 ? [`${count(records, "record")} given up on the way to the server`] : []),
  ];
  return said.length === 0 ? [] : [{ name: "Dropped", text: `${said.join(" and ")} since the processes began.` }];
}

function expired({ from, now }: Facts, retentionDays: number): Absence[] {
  if (from !== undefined && now.getTime() - from.getTime() <= retentionDays * DAY_MS) return [];
  return [{ name: "Expired", text: `what is older than ${count(retentionDays, "day")} is not kept.` }];
}

/** Packets a process lost for logs or inspection, whatever the reason. */
export function drops(report: NodeReport): number {
  return sum(Object.values(report.status?.drops ?? {}), (value) => (typeof value === "number" ? value : 0));
}

function ofRole(reports: NodeReport[], role: string): NodeReport[] {
  return reports.filter((report) => report.spec.role === role);
}

function sum<Item>(items: Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
