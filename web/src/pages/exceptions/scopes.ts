/** Which alerts like this one should not be shown? From the narrowest scope to the widest, each as a query. */
import type { SecurityEvent } from "../../api/events";
import { condition } from "../../api/query";

export interface Scope {
  label: string;
  selector: string;
}

type Named = "source_name" | "source_name_aggr" | "source_namespace" | "dest_name" | "dest_name_aggr" | "dest_namespace";

const PLACES: [label: string, end: "source" | "dest", fields: Named[]][] = [
  ["this source workload", "source", ["source_namespace", "source_name"]],
  ["this destination workload", "dest", ["dest_namespace", "dest_name"]],
  ["this source deployment", "source", ["source_namespace", "source_name_aggr"]],
  ["this destination deployment", "dest", ["dest_namespace", "dest_name_aggr"]],
  ["this source namespace", "source", ["source_namespace"]],
  ["this destination namespace", "dest", ["dest_namespace"]],
];

/** Every scope keeps to the event's origin, and to its rule where one fired. */
export function scopesOf(event: SecurityEvent): Scope[] {
  const what = [condition("origin", "=", event.origin)];
  const sid = event.record?.snort_signature_id;
  if (typeof sid === "string") what.push(condition("record.snort_signature_id", "=", sid));
  const lead = what.length > 1 ? "This rule" : "This alert";
  const found = PLACES.filter(([, , fields]) => fields.every((field) => isNamed(event[field]))).map(
    ([label, , fields]): Scope => ({
      label: `${lead}, ${label}`,
      selector: [...what, ...fields.map((field) => condition(field, "=", event[field] ?? ""))].join(" AND "),
    }),
  );
  const everywhere: Scope = { label: `${lead}, everywhere`, selector: what.join(" AND ") };
  const origin: Scope[] = what.length > 1 ? [{ label: "Everything of this origin", selector: what[0] ?? "" }] : [];
  return [...found, everywhere, ...origin];
}

function isNamed(value: string | null | undefined): value is string {
  return value !== undefined && value !== null && value !== "" && value !== "-";
}
