/** Log datasets: what happened on the network. */
import type { Page } from "./events";
import { parameters, send } from "./requests";

export type LogRow = Record<string, unknown>;

export interface LogSearch {
  dataset: string;
  query?: string | undefined;
  from?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Datasets offered by the explorer: the value is the word in the URL, the label what users of the product look for. */
export const DATASETS = [
  { value: "flows", label: "tigera_secure_ee_flows*" },
  { value: "dns", label: "tigera_secure_ee_dns*" },
  { value: "audit", label: "tigera_secure_ee_audit*" },
  { value: "events", label: "tigera_secure_ee_events*" },
] as const;

/** The columns shown first; every field is in the expanded row. */
export const COLUMNS: Record<string, string[]> = {
  flows: [
    "start_time",
    "num_flows",
    "action",
    "reporter",
    "proto",
    "source_namespace",
    "source_name_aggr",
    "dest_namespace",
    "dest_name_aggr",
    "dest_port",
  ],
  dns: ["start_time", "client_namespace", "client_name_aggr", "qname", "qtype", "rcode", "count"],
  audit: ["requestReceivedTimestamp", "verb", "objectRef", "user", "responseStatus"],
  events: ["time", "type", "origin", "description", "severity"],
};

export function searchLogs({ dataset, ...search }: LogSearch): Promise<Page<LogRow>> {
  const { query, from, cursor, limit = 100 } = search;
  const path = dataset === "events" ? "/v1/events" : `/v1/logs/${dataset}`;
  return send(`${path}${parameters({ query, from, cursor, limit })}`);
}
