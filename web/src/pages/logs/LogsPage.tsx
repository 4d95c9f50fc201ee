/** Logs: the rows behind everything, one data set at a time, by query and time. */
import { Select, Stack, Text, Title } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { noRecords } from "../../api/absence";
import { COLUMNS, type Dataset, type LogRow, searchLogs } from "../../api/logs";
import { narrowed } from "../../api/query";
import { type Column, DataTable } from "../../ui/DataTable";
import { FilterBar } from "../../ui/FilterBar";
import { useKeys } from "../../ui/keys";
import { ends, local, type Period, periodOf } from "../../ui/moments";
import { Pager } from "../../ui/Pager";
import { Problem } from "../../ui/Problem";
import { Reasons } from "../../ui/Reasons";
import { useDatasets, useFacts } from "../facts";
import { LogEntry } from "./LogEntry";

const USUAL_SPAN = "1h";
const PAGE_ROWS = 100;

export interface LogsSearch extends Period {
  dataset: string;
  query: string;
  selected?: string;
}

export function logsSearch(raw: Partial<Record<keyof LogsSearch, unknown>> & SearchSchemaInput): LogsSearch {
  return {
    dataset: typeof raw.dataset === "string" ? named(raw.dataset) : "flows",
    query: typeof raw.query === "string" ? raw.query : "",
    ...periodOf(raw, USUAL_SPAN),
    ...(typeof raw.selected === "string" ? { selected: raw.selected } : {}),
  };
}

/** A data set by its own name or by the index that users of the product know: `tigera_secure_ee_events*`. */
function named(text: string): string {
  return text.replace(/^tigera_secure_ee_/, "").replace(/\*?$/, "");
}

export function LogsPage({ search }: { search: LogsSearch }) {
  const navigate = useNavigate();
  const datasets = useDatasets();
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const { dataset, query, span, from, to, selected } = search;
  const go = (next: LogsSearch): void => {
    setCursors([]);
    void navigate({ to: "/logs", search: next });
  };
  const select = (id: string | undefined): void => {
    const { selected: _, ...rest } = search;
    void navigate({ to: "/logs", search: id === undefined ? rest : { ...rest, selected: id } });
  };
  const ask = (text: string): void => {
    go({ dataset, query: text, ...periodOf(search, USUAL_SPAN) });
  };
  const page = useQuery({
    queryKey: ["logs", dataset, query, span, from, to, cursor],
    queryFn: () => searchLogs({ dataset, query, ...ends(search, new Date()), cursor, limit: PAGE_ROWS }),
    placeholderData: keepPreviousData,
  });
  useKeys({ Escape: () => { select(undefined); } });
  const rows = page.data?.items ?? [];
  const open = rows.find((row) => idOf(row) === selected);
  const described = datasets.find((one) => one.name === dataset);
  const next = page.data?.next_cursor;
  return (
    <Stack gap="sm">
      <Title order={2}>Logs</Title>
      <FilterBar
        query={query}
        period={search}
        placeholder='dest_namespace = "dev" AND action = allow'
        onChange={(change) => {
          go({ dataset, query: change.query, ...periodOf(change, USUAL_SPAN) });
        }}
        isFiltered={query !== "" || span !== USUAL_SPAN}
        onClear={() => {
          go({ dataset, query: "", span: USUAL_SPAN });
        }}
      >
        <Select
          label="Dataset"
          size="xs"
          w={230}
          allowDeselect={false}
          data={datasets.map(({ name, index }) => ({ value: name, label: `${index}*` }))}
          value={dataset}
          onChange={(name) => {
            if (name !== null) go({ dataset: name, query: "", span, ...(from && { from }), ...(to && { to }) });
          }}
        />
      </FilterBar>
      {page.isError && <Problem error={page.error} onRetry={() => void page.refetch()} />}
      <Pager
        first={cursors.length * PAGE_ROWS}
        shown={rows.length}
        total={page.data?.total ?? 0}
        onPrevious={cursors.length === 0 ? undefined : () => { setCursors(cursors.slice(0, -1)); }}
        onNext={next ? () => { setCursors([...cursors, next]); } : undefined}
      />
      <DataTable
        label="Log entries"
        columns={columnsOf(dataset, described)}
        rows={rows}
        idOf={idOf}
        selected={selected}
        onSelect={select}
        empty={<NoEntries search={search} dataset={described} isLoading={page.isPending} isRefused={page.isError} />}
      />
      {open && (
        <LogEntry
          row={open}
          dataset={described}
          onOnly={(field, value) => { ask(narrowed(query, field, "=", value)); }}
          onExclude={(field, value) => { ask(narrowed(query, field, "!=", value)); }}
        />
      )}
    </Stack>
  );
}

interface NoEntriesProps {
  search: LogsSearch;
  dataset: Dataset | undefined;
  isLoading: boolean;
  isRefused: boolean;
}

function NoEntries({ search, dataset, isLoading, isRefused }: NoEntriesProps) {
  if (isRefused) return <Text size="sm">Nothing to show: the server refused, for the reason above.</Text>;
  if (isLoading || dataset === undefined) return <Text size="sm">Loading…</Text>;
  return <Why search={search} dataset={dataset} />;
}

function Why({ search, dataset }: { search: LogsSearch; dataset: Dataset }) {
  const facts = useFacts(ends(search, new Date()).from);
  return <Reasons lead="No entry in this time matches." reasons={facts === undefined ? [] : noRecords(facts, dataset)} />;
}

/** Events have an id of their own; the server gives every other record one. */
function idOf(row: LogRow): string {
  return String(row._id ?? row.id);
}

function columnsOf(name: string, dataset: Dataset | undefined): Column<LogRow>[] {
  const fields = COLUMNS[name] ?? dataset?.fields.slice(0, 6).map((field) => field.name) ?? [];
  return fields.map((field, index) => ({ title: field, opens: index === 0, show: (row) => cell(field, row[field]) }));
}

function cell(field: string, value: unknown): string {
  if (value === null || value === undefined) return "-";
  const isTime = field === "time" || field.endsWith("_time") || field.endsWith("Timestamp");
  if (isTime && (typeof value === "string" || typeof value === "number")) return local(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
