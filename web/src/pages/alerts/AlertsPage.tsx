/** Alerts: what happened, newest first, live; one selection, its whole story beside the list. */
import { ActionIcon, Button, Checkbox, Grid, Group, MultiSelect, Stack, Text, Title } from "@mantine/core";
import { IconSettings } from "@tabler/icons-react";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import {
  EVENT_TYPES,
  eventQuery,
  searchEvents,
  type SecurityEvent,
  severityWord,
  triage,
  typeLabel,
} from "../../api/events";
import { type Column, DataTable } from "../../ui/DataTable";
import { FilterBar } from "../../ui/FilterBar";
import { beginning, isSpan, local, type Span, utc } from "../../ui/moments";
import { Problem } from "../../ui/Problem";
import { Severity } from "../../ui/Severity";
import { offerUndo, showRefusal } from "../../ui/undo";
import { EventDetail } from "./EventDetail";

const PAGE_ROWS = 100;

export interface AlertsSearch {
  query: string;
  span: Span;
  types: string[];
  dismissed: boolean;
  selected?: string;
}

export function alertsSearch(raw: Partial<Record<keyof AlertsSearch, unknown>> & SearchSchemaInput): AlertsSearch {
  return {
    query: typeof raw.query === "string" ? raw.query : "",
    span: isSpan(raw.span) ? raw.span : "24h",
    types: Array.isArray(raw.types) ? raw.types.filter((type) => typeof type === "string") : [],
    dismissed: raw.dismissed === true,
    ...(typeof raw.selected === "string" ? { selected: raw.selected } : {}),
  };
}

const COLUMNS: Column<SecurityEvent>[] = [
  {
    title: "Severity",
    show: (event) => <Severity word={severityWord(event.severity)} number={event.severity} />,
    width: 120,
  },
  { title: "Description", show: (event) => event.description, opens: true },
  { title: "Type", show: (event) => typeLabel(event.type) },
  { title: "Origin", show: (event) => event.origin },
  {
    title: "Last Seen",
    show: (event) => <time title={utc(event.time)}>{local(event.time)}</time>,
    width: 160,
  },
];

export function AlertsPage({ search }: { search: AlertsSearch }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);

  const change = (part: Partial<AlertsSearch>): void => {
    setCursors([]);
    void navigate({ to: "/alerts", search: { ...search, ...part } });
  };
  const page = useQuery({
    queryKey: ["events", search.query, search.span, search.types, search.dismissed, cursor],
    queryFn: () =>
      searchEvents({
        query: eventQuery(search.query, search.types),
        from: beginning(search.span, new Date()),
        dismissed: search.dismissed,
        cursor,
        limit: PAGE_ROWS,
      }),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => page.data?.items ?? [], [page.data]);
  const selected = rows.find((event) => event.id === search.selected);
  const isFiltered = search.query !== "" || search.types.length > 0 || search.dismissed || search.span !== "24h";

  const act = async (action: "dismiss" | "restore", ids: string[]): Promise<void> => {
    try {
      await triage(action, ids);
    } catch (error) {
      showRefusal(`Could not ${action}`, error as Error);
      return;
    }
    setChecked(new Set());
    await queries.invalidateQueries({ queryKey: ["events"] });
    if (action === "dismiss") {
      offerUndo(`${ids.length} dismissed`, () => void act("restore", ids));
    }
  };

  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>Alerts</Title>
        <ActionIcon
          variant="default"
          size="lg"
          aria-label="Alerts configuration"
          onClick={() => void navigate({ to: "/settings/alerts" })}
        >
          <IconSettings size={18} />
        </ActionIcon>
      </Group>
      <FilterBar
        query={search.query}
        span={search.span}
        placeholder='source_namespace = "dev" AND severity >= 80'
        onChange={change}
        isFiltered={isFiltered}
        onClear={() => {
          change({ query: "", span: "24h", types: [], dismissed: false });
        }}
      >
        <MultiSelect
          label="Type"
          size="xs"
          w={220}
          placeholder={search.types.length === 0 ? "All types" : ""}
          data={EVENT_TYPES.map((entry) => entry.label)}
          value={search.types}
          onChange={(types) => {
            change({ types });
          }}
        />
        <Checkbox
          label="Dismissed"
          checked={search.dismissed}
          mb={7}
          onChange={(event) => {
            change({ dismissed: event.currentTarget.checked });
          }}
        />
      </FilterBar>
      {page.isError && <Problem error={page.error} onRetry={() => void page.refetch()} />}
      <Group justify="space-between">
        <Button
          size="xs"
          variant="default"
          disabled={checked.size === 0}
          title={checked.size === 0 ? "Select rows first" : ""}
          onClick={() => void act("dismiss", [...checked])}
        >
          Dismiss selected
        </Button>
        <Pager
          first={cursors.length * PAGE_ROWS}
          shown={rows.length}
          total={page.data?.total ?? 0}
          onPrevious={cursors.length === 0 ? undefined : () => { setCursors(cursors.slice(0, -1)); }}
          onNext={nextOf(page.data?.next_cursor, (next) => { setCursors([...cursors, next]); })}
        />
      </Group>
      <Grid>
        <Grid.Col span={selected ? 7 : 12}>
          <DataTable
            label="Alerts"
            columns={selected ? COLUMNS.filter((column) => column.title !== "Type" && column.title !== "Origin") : COLUMNS}
            rows={rows}
            idOf={(event) => event.id}
            selected={search.selected}
            onSelect={(id) => {
              const { selected: current, ...rest } = search;
              void navigate({ to: "/alerts", search: id === current ? rest : { ...rest, selected: id } });
            }}
            checked={checked}
            onCheck={setChecked}
            empty={<NoAlerts isLoading={page.isPending} isFiltered={isFiltered} />}
          />
        </Grid.Col>
        {selected && (
          <Grid.Col span={5}>
            <EventDetail
              event={selected}
              onTriage={(action) => void act(action, [selected.id])}
              onOnly={(query) => {
                change({ query });
              }}
            />
          </Grid.Col>
        )}
      </Grid>
    </Stack>
  );
}

function NoAlerts({ isLoading, isFiltered }: { isLoading: boolean; isFiltered: boolean }) {
  if (isLoading) return <Text size="sm">Loading…</Text>;
  if (isFiltered) return <Text size="sm">No alert matches this filter.</Text>;
  return (
    <Text size="sm">
      No alerts in this time. Alerts come from DeepPacketInspection resources and from the alerts of the configuration page.
    </Text>
  );
}

function nextOf(cursor: string | null | undefined, go: (cursor: string) => void): (() => void) | undefined {
  return cursor ? () => { go(cursor); } : undefined;
}

interface PagerProps {
  first: number;
  shown: number;
  total: number;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
}

function Pager({ first, shown, total, onPrevious, onNext }: PagerProps) {
  return (
    <Group gap="xs">
      <Text size="sm" aria-live="polite">
        Showing {shown === 0 ? 0 : first + 1} - {first + shown} of {total} entries
      </Text>
      <Button size="xs" variant="default" disabled={!onPrevious} onClick={() => { onPrevious?.(); }}>
        Prev
      </Button>
      <Button size="xs" variant="default" disabled={!onNext} onClick={() => { onNext?.(); }}>
        Next
      </Button>
    </Group>
  );
}
