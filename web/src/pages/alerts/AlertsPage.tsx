/** Alerts: what happened, newest first, live; one selection, its whole story beside the list. */
import { ActionIcon, Button, Checkbox, Grid, Group, Stack, Title } from "@mantine/core";
import { IconSettings } from "@tabler/icons-react";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { type EventList, eventQuery, eventTypes, searchEvents, type SecurityEvent, severityWord, triage } from "../../api/events";
import { narrowed } from "../../api/query";
import { type Column, DataTable } from "../../ui/DataTable";
import { FilterBar } from "../../ui/FilterBar";
import { useKeys } from "../../ui/keys";
import { ends, local, periodOf, utc } from "../../ui/moments";
import { Pager } from "../../ui/Pager";
import { Problem } from "../../ui/Problem";
import { Severity } from "../../ui/Severity";
import { offerUndo, showRefusal } from "../../ui/undo";
import { ExceptionDialog } from "../exceptions/ExceptionDialog";
import { EventDetail } from "./EventDetail";
import { NoAlerts } from "./NoAlerts";
import { type AlertsSearch, isFiltered, UNFILTERED, USUAL_SPAN } from "./search";
import { TypeChips } from "./TypeChips";

const PAGE_ROWS = 100;

const COLUMNS: Column<SecurityEvent>[] = [
  {
    title: "Severity",
    show: (event) => <Severity word={severityWord(event)} number={event.severity} />,
    width: 120,
  },
  { title: "Description", show: (event) => event.description, opens: true },
  { title: "Type", show: (event) => event.type_label ?? event.type },
  { title: "Origin", show: (event) => event.origin },
  {
    title: "Last Seen",
    show: (event) => <time title={utc(event.time)}>{local(event.time)}</time>,
    width: 160,
  },
];
const BESIDE_DETAIL = COLUMNS.filter((column) => column.title !== "Type" && column.title !== "Origin");

export function AlertsPage({ search }: { search: AlertsSearch }) {
  const navigate = useNavigate();
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const [cursors, setCursors] = useState<string[]>([]);
  const { selected, except, ...rest } = search;

  const change = (part: Partial<AlertsSearch>): void => {
    setCursors([]);
    void navigate({ to: "/alerts", search: { ...search, ...part } });
  };
  const select = (id: string | undefined): void => {
    void navigate({ to: "/alerts", search: id === undefined ? rest : { ...rest, selected: id } });
  };
  const page = useAlerts(search, cursors.at(-1));
  const rows = page.data?.items ?? [];
  const act = useTriage(() => {
    setChecked(new Set());
  });
  const dismiss = (id: string): void => void act("dismiss", checked.size > 0 ? [...checked] : [id]);
  const offerException = (id: string): void => {
    void navigate({ to: "/alerts", search: { ...rest, selected: id, except: true } });
  };
  useKeys({ Escape: () => { select(undefined); } });

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
        period={search}
        placeholder='source_namespace = "dev" AND severity >= 80'
        onChange={({ query, ...period }) => {
          const { from: _, to: __, ...others } = search;
          setCursors([]);
          void navigate({ to: "/alerts", search: { ...others, query, ...periodOf(period, USUAL_SPAN) } });
        }}
        isFiltered={isFiltered(search)}
        onClear={() => {
          setCursors([]);
          void navigate({ to: "/alerts", search: UNFILTERED });
        }}
      >
        <Checkbox label="Dismissed" checked={search.dismissed} mb={7} onChange={(event) => { change({ dismissed: event.currentTarget.checked }); }} />
        <Checkbox label="Excepted" checked={search.excepted} mb={7} onChange={(event) => { change({ excepted: event.currentTarget.checked }); }} />
      </FilterBar>
      <TypeChips search={search} onChange={(types) => { change({ types }); }} />
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
          onNext={nextOf(page.data, (next) => { setCursors([...cursors, next]); })}
        />
      </Group>
      <Grid>
        <Grid.Col span={selected ? 7 : 12}>
          <DataTable
            label="Alerts"
            columns={selected ? BESIDE_DETAIL : COLUMNS}
            rows={rows}
            idOf={(event) => event.id}
            selected={selected}
            onSelect={select}
            checked={checked}
            onCheck={setChecked}
            rowKeys={{ e: dismiss, s: offerException }}
            empty={<NoAlerts search={search} isLoading={page.isPending} isRefused={page.isError} onChange={change} />}
          />
        </Grid.Col>
        {selected && (
          <Grid.Col span={5}>
            <EventDetail
              id={selected}
              known={rows.find((event) => event.id === selected)}
              onTriage={(action) => void act(action, [selected])}
              onExcept={() => { offerException(selected); }}
              onOnly={(field, value) => { change({ query: narrowed(search.query, field, "=", value) }); }}
              onExclude={(field, value) => { change({ query: narrowed(search.query, field, "!=", value) }); }}
            />
          </Grid.Col>
        )}
      </Grid>
      <ExceptionDialog
        of={search.except && selected ? selected : undefined}
        isOpen={search.except === true}
        onClose={() => { select(selected); }}
      />
    </Stack>
  );
}

/** One page of what the address asks for. */
function useAlerts(search: AlertsSearch, cursor: string | undefined) {
  const types = useQuery({ queryKey: ["event-types"], queryFn: eventTypes, staleTime: Infinity });
  const { query, span, from, to, dismissed, excepted } = search;
  return useQuery({
    queryKey: ["events", query, span, from, to, search.types, dismissed, excepted, cursor],
    queryFn: () =>
      searchEvents({
        query: eventQuery(query, search.types, types.data ?? []),
        ...ends(search, new Date()),
        dismissed,
        excepted,
        cursor,
        limit: PAGE_ROWS,
      }),
    placeholderData: keepPreviousData,
    enabled: search.types.length === 0 || types.data !== undefined,
  });
}

/** Dismiss and restore, each the other's undo. */
function useTriage(onDone: () => void) {
  const queries = useQueryClient();
  const act = async (action: "dismiss" | "restore", ids: string[]): Promise<void> => {
    try {
      await triage(action, ids);
    } catch (error) {
      showRefusal(`Could not ${action}`, error as Error);
      return;
    }
    onDone();
    await queries.invalidateQueries({ queryKey: ["events"] });
    if (action === "dismiss") offerUndo(`${ids.length} dismissed`, () => void act("restore", ids));
  };
  return act;
}

function nextOf(page: EventList | undefined, go: (cursor: string) => void): (() => void) | undefined {
  const next = page?.next_cursor;
  return next ? () => { go(next); } : undefined;
}
