/** Logs: the rows behind everything, one dataset at a time, by query and time. */
import { Select, Stack, Text, Title } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { COLUMNS, DATASETS, type LogRow, searchLogs } from "../../api/logs";
import { type Column, DataTable } from "../../ui/DataTable";
import { Json } from "../../ui/Fields";
import { FilterBar } from "../../ui/FilterBar";
import { beginning, isSpan, local, type Span } from "../../ui/moments";
import { Problem } from "../../ui/Problem";

export interface LogsSearch {
  dataset: string;
  query: string;
  span: Span;
}

export function logsSearch(raw: Partial<Record<keyof LogsSearch, unknown>> & SearchSchemaInput): LogsSearch {
  const known = DATASETS.some((dataset) => dataset.value === raw.dataset);
  return {
    dataset: known ? String(raw.dataset) : "flows",
    query: typeof raw.query === "string" ? raw.query : "",
    span: isSpan(raw.span) ? raw.span : "1h",
  };
}

export function LogsPage({ search }: { search: LogsSearch }) {
  const navigate = useNavigate();
  const [selected, setSelected] = useState<string>();
  const change = (part: Partial<LogsSearch>): void => {
    setSelected(undefined);
    void navigate({ to: "/logs", search: { ...search, ...part } });
  };
  const page = useQuery({
    queryKey: ["logs", search.dataset, search.query, search.span],
    queryFn: () =>
      searchLogs({ dataset: search.dataset, query: search.query, from: beginning(search.span, new Date()) }),
    placeholderData: keepPreviousData,
  });
  const rows = (page.data?.items ?? []).map((row, index) => ({ id: String(index), row }));
  const open = rows.find((entry) => entry.id === selected);
  return (
    <Stack gap="sm">
      <Title order={2}>Logs</Title>
      <FilterBar
        query={search.query}
        span={search.span}
        placeholder='dest_namespace = "dev" AND action = allow'
        onChange={change}
        isFiltered={search.query !== "" || search.span !== "1h"}
        onClear={() => {
          change({ query: "", span: "1h" });
        }}
      >
        <Select
          label="Dataset"
          size="xs"
          w={240}
          allowDeselect={false}
          data={DATASETS.map(({ value, label }) => ({ value, label }))}
          value={search.dataset}
          onChange={(dataset) => {
            if (dataset !== null) change({ dataset, query: "" });
          }}
        />
      </FilterBar>
      {page.isError && <Problem error={page.error} onRetry={() => void page.refetch()} />}
      <Text size="sm" aria-live="polite">
        Showing {rows.length} of {page.data?.total ?? 0} entries
      </Text>
      <DataTable
        label="Log entries"
        columns={columnsOf(search.dataset)}
        rows={rows}
        idOf={(entry) => entry.id}
        selected={selected}
        onSelect={(id) => {
          setSelected(id === selected ? undefined : id);
        }}
        empty={<Text size="sm">{page.isPending ? "Loading…" : "No entry in this time matches."}</Text>}
      />
      {open && <Json label="Log entry" value={open.row} />}
    </Stack>
  );
}

interface Entry {
  id: string;
  row: LogRow;
}

function columnsOf(dataset: string): Column<Entry>[] {
  return (COLUMNS[dataset] ?? []).map((field, index) => ({
    title: field,
    opens: index === 0,
    show: ({ row }) => cell(field, row[field]),
  }));
}

function cell(field: string, value: unknown): string {
  if (value === null || value === undefined) return "-";
  const isTime = field === "time" || field.endsWith("_time") || field.endsWith("Timestamp");
  if (isTime && (typeof value === "string" || typeof value === "number")) return local(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
