/** Log data sets: what happened on the network. */
import type { components } from "./generated/v1";
import { data, given, v1 } from "./requests";

type Schemas = components["schemas"];
export type Dataset = Schemas["DatasetBody"];
export type DatasetField = Schemas["FieldBody"];
export type LogList = Schemas["LogList"];
export type LogRow = LogList["items"][number];

export interface LogSearch {
  dataset: string;
  query?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Data sets with their fields, as the query language knows them. */
export async function datasets(): Promise<Dataset[]> {
  return (await data(v1.GET("/datasets"))).items;
}

/** The columns shown first, where the data set is one of these; every field is in the expanded row. */
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

/** Records, newest first. Events come as their page shows them: without the dismissed and the excepted. */
export async function searchLogs({ dataset, ...search }: LogSearch): Promise<LogList> {
  const query = given(search);
  if (dataset === "events") return data(v1.GET("/events", { params: { query } }));
  return data(v1.GET("/logs/{dataset}", { params: { path: { dataset }, query } }));
}
