/** Security events: what a human should look at. */
import { parameters, send } from "./requests";

/** One event as the server stores it; which fields are there depends on its producer. */
export interface SecurityEvent {
  id: string;
  time: number;
  type: string;
  origin: string;
  description: string;
  severity: number;
  name?: string | null;
  source_ip?: string | null;
  source_port?: number | null;
  source_namespace?: string | null;
  source_name?: string | null;
  source_name_aggr?: string | null;
  dest_ip?: string | null;
  dest_port?: number | null;
  dest_namespace?: string | null;
  dest_name?: string | null;
  dest_name_aggr?: string | null;
  host?: string | null;
  protocol?: string | null;
  dismissed?: boolean;
  record?: Record<string, unknown> | null;
  [field: string]: unknown;
}

export interface Page<Item> {
  items: Item[];
  total: number;
  next_cursor: string | null;
}

export interface EventSearch {
  query?: string | undefined;
  from?: string | undefined;
  dismissed?: boolean | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export function searchEvents(search: EventSearch): Promise<Page<SecurityEvent>> {
  const { query, from, cursor, limit = 100, dismissed } = search;
  return send(`/v1/events${parameters({ query, from, cursor, limit, sort: "-time", include_dismissed: dismissed })}`);
}

export function oneEvent(id: string): Promise<SecurityEvent> {
  return send(`/v1/events/${encodeURIComponent(id)}`);
}

/** Hide events from the list, or bring them back. Nothing is deleted. */
export function triage(action: "dismiss" | "restore", ids: string[]): Promise<unknown> {
  return send("/v1/events/bulk", { method: "POST", json: { action, ids } });
}

/** Console labels of machine types; the first machine name is the one that queries use. */
export const EVENT_TYPES: readonly { label: string; types: readonly string[] }[] = [
  { label: "Deep Packet Inspection", types: ["deep_packet_inspection"] },
  { label: "Global Alert", types: ["global_alert"] },
  { label: "Suspicious Flow", types: ["gtf_suspicious_flow", "suspicious_flow"] },
  { label: "Suspicious DNS Query", types: ["gtf_suspicious_dns_query", "suspicious_dns_query"] },
  { label: "WAF Event", types: ["waf"] },
  { label: "Custom", types: ["alert"] },
];

export function typeLabel(type: string): string {
  return EVENT_TYPES.find((entry) => entry.types.includes(type))?.label ?? type;
}

/** The query that keeps events of these labels, joined with what the user typed. */
export function eventQuery(typed: string, labels: readonly string[]): string {
  const types = EVENT_TYPES.filter((entry) => labels.includes(entry.label)).flatMap((entry) => entry.types);
  const byType = types.map((type) => `type = "${type}"`).join(" OR ");
  if (byType === "") return typed;
  return typed.trim() === "" ? byType : `(${byType}) AND (${typed})`;
}

/** Bounds of the severity words; both number and word are shown. */
export function severityWord(severity: number): "Critical" | "High" | "Medium" | "Low" {
  if (severity >= 90) return "Critical";
  if (severity >= 70) return "High";
  return severity >= 40 ? "Medium" : "Low";
}
