/** Which fields does an event show, under which label? Those that users know come first, then whatever else is there. */
import type { ReactNode } from "react";

import { type SecurityEvent, severityWord } from "../../api/events";
import type { FieldValue } from "../../ui/Fields";
import { type Grips, Handle } from "../../ui/Handle";
import { local, utc } from "../../ui/moments";
import type { Why } from "./WhyTable";

type Row = [label: string, value: FieldValue];

/** The fourteen labels of the product's expanded row, in its order, with time and type before them; its record comes last. */
const LABELS: [label: string, field: string][] = [
  ["Origin", "origin"],
  ["Source IP", "source_ip"],
  ["Source port", "source_port"],
  ["Source namespace", "source_namespace"],
  ["Source name", "source_name"],
  ["Source name aggregation", "source_name_aggr"],
  ["Destination IP", "dest_ip"],
  ["Destination port", "dest_port"],
  ["Destination namespace", "dest_namespace"],
  ["Destination name", "dest_name"],
  ["Destination name aggregation", "dest_name_aggr"],
  ["Host", "host"],
];

const FURTHER: [label: string, field: string][] = [
  ["Name", "name"],
  ["Protocol", "protocol"],
  ["Attack vector", "attack_vector"],
  ["MITRE tactic", "mitre_tactic"],
  ["MITRE techniques", "mitre_ids"],
  ["Mitigations", "mitigations"],
  ["Fingerprint", "fingerprint"],
  ["Id", "id"],
];

/** Shown elsewhere: in the head, by other labels, or as the record. */
const ELSEWHERE = new Set([
  ...LABELS.map(([, field]) => field),
  ...FURTHER.map(([, field]) => field),
  ...["time", "generated_time", "type", "type_label", "severity", "severity_label", "description", "dismissed"],
  ...["record", "links"],
]);

export function fieldsOf(event: SecurityEvent, grips: Grips): Row[] {
  return [
    ["Time", <time key="time" title={utc(event.time)}>{local(event.time)}</time>],
    ["Type", <Handle key="type" field="type" value={event.type} shown={event.type_label} {...grips} />],
    ["Severity", <Handle key="severity" field="severity" value={String(event.severity)} shown={`${severityWord(event)} (${event.severity})`} {...grips} />],
    ...LABELS.map(([label, field]): Row => [label, held(field, event[field], grips)]),
  ];
}

/** Between whom it happened, in one line: `uat/netshoot 10.65.1.6:59850 → dev/nginx 10.65.1.3:80 tcp`. */
export function pathOf(event: SecurityEvent): string {
  const source = sideOf(event.source_namespace, event.source_name ?? event.source_name_aggr, event.source_ip, event.source_port);
  const destination = sideOf(event.dest_namespace, event.dest_name ?? event.dest_name_aggr, event.dest_ip, event.dest_port);
  if (source === "" && destination === "") return event.origin;
  return `${source || "?"} → ${destination || "?"}${event.protocol ? ` ${event.protocol}` : ""}`;
}

function sideOf(
  namespace: string | null | undefined,
  name: string | null | undefined,
  ip: string | null | undefined,
  port: number | null | undefined,
): string {
  const who = [namespace, name].filter((part) => part && part !== "-").join("/");
  const host = ip?.includes(":") ? `[${ip}]` : ip;
  const where = host && port ? `${host}:${port}` : (host ?? (port ? `port ${port}` : ""));
  return [who, where].filter(Boolean).join(" ");
}

/** What is there beyond the usual; nothing is left out, whoever wrote it. */
export function furtherOf(event: SecurityEvent, grips: Grips): Row[] {
  const named = FURTHER.map(([label, field]): Row => [label, held(field, event[field], grips)]);
  const made: Row[] = event.generated_time ? [["Generated", local(event.generated_time)]] : [];
  const unnamed = Object.keys(event)
    .filter((field) => !ELSEWHERE.has(field))
    .map((field): Row => [field, held(field, event[field], grips)]);
  return [...named, ...made, ...unnamed].filter(([, value]) => value !== undefined);
}

/** What the engine wrote of a rule that fired: its text, why, and the facts about it. */
export function recordOf(event: SecurityEvent, grips: Grips): { rule: string | undefined; why: Why[]; facts: Row[] } {
  const record = event.record ?? {};
  const { rule, why } = record;
  const id = [record.gid ?? 1, record.snort_signature_id, record.snort_signature_revision];
  const facts: Row[] = [
    ["Signature", record.snort_signature_id === undefined ? undefined : (
      <Handle key="sid" field="record.snort_signature_id" value={text(record.snort_signature_id)} shown={id.map(text).join(":")} {...grips} />
    )],
    ["Class", held("record.class", record.class, grips)],
    ["Priority", held("record.priority", record.priority, grips)],
    ["Application", held("record.app_proto", record.app_proto, grips)],
    ["References", Array.isArray(record.references) ? record.references.map(text).join(", ") : undefined],
    ["Community id", held("record.community_id", record.community_id, grips)],
    ["Alert line", typeof record.snort_alert === "string" ? record.snort_alert : undefined],
  ];
  return {
    rule: typeof rule === "string" ? rule : undefined,
    why: Array.isArray(why) ? (why as Why[]) : [],
    facts: facts.filter(([, value]) => value !== undefined && value !== ""),
  };
}

function held(field: string, value: unknown, grips: Grips): ReactNode {
  if (value === undefined || value === null || value === "") return undefined;
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined;
    return value.map((item, index) => (
      <span key={text(item)}>
        {index > 0 && ", "}
        <Handle field={field} value={text(item)} {...grips} />
      </span>
    ));
  }
  if (typeof value === "object") return JSON.stringify(value);
  return value === "-" ? "-" : <Handle field={field} value={text(value)} {...grips} />;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
