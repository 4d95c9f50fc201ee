/** Security events: what a human should look at. */
import type { components } from "./generated/v1";
import { data, given, v1 } from "./requests";

type Schemas = components["schemas"];
export type SecurityEvent = Schemas["EventBody"];
export type EventDetail = Schemas["EventDetail"];
export type EventList = Schemas["EventList"];
export type EventType = Schemas["EventType"];
export type SeverityWord = NonNullable<SecurityEvent["severity_label"]>;

export interface EventSearch {
  query?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  dismissed?: boolean | undefined;
  excepted?: boolean | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export function searchEvents({ dismissed, excepted, ...search }: EventSearch): Promise<EventList> {
  const query = { sort: "-time", ...given({ ...search, include_dismissed: dismissed, include_excepted: excepted }) };
  return data(v1.GET("/events", { params: { query } }));
}

/** One event with the queries that lead on from it; dismissed and excepted ones too. */
export function oneEvent(id: string): Promise<EventDetail> {
  return data(v1.GET("/events/{event_id}", { params: { path: { event_id: id } } }));
}

/** Hide events from the list, or bring them back. Nothing is deleted. */
export function triage(action: "dismiss" | "restore", ids: string[]): Promise<Schemas["BulkResult"]> {
  return data(v1.POST("/events/bulk", { body: { action, ids } }));
}

/** How many events there are of each type, by its machine name. */
export async function typeCounts({ query, from, to, dismissed, excepted }: EventSearch): Promise<Record<string, number>> {
  const body = {
    ...given({ selector: query, include_dismissed: dismissed, include_excepted: excepted }),
    time_range: given({ from, to }),
    parts: ["type" as const],
  };
  const { by_type } = await data(v1.POST("/events/stats", { body }));
  return Object.fromEntries(by_type.map(({ value, count }) => [value ?? "", count]));
}

/** Every type an event can have: the word for people and the machine names it stands for. */
export async function eventTypes(): Promise<EventType[]> {
  return (await data(v1.GET("/events/types"))).items;
}

/** The query that keeps events of these labels, joined with what the user typed. */
export function eventQuery(typed: string, labels: readonly string[], known: readonly EventType[]): string {
  const types = known.filter((entry) => labels.includes(entry.label)).flatMap((entry) => entry.types);
  const byType = types.map((type) => `type = "${type}"`).join(" OR ");
  if (byType === "") return typed;
  return typed.trim() === "" ? byType : `(${byType}) AND (${typed})`;
}

/** The server writes the word beside the number; a record from before it did has the number alone. */
export function severityWord({ severity, severity_label }: SecurityEvent): SeverityWord {
  if (severity_label !== undefined) return severity_label;
  if (severity >= 90) return "Critical";
  if (severity >= 70) return "High";
  return severity >= 40 ? "Medium" : "Low";
}
