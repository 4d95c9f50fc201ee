/** Captures: which packets are being recorded, and how to have them in hand. */
import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { type Capture, captures, type CaptureState, type NewCapture } from "../../api/captures";
import { type Column, DataTable } from "../../ui/DataTable";
import { useKeys } from "../../ui/keys";
import { bytes, local } from "../../ui/moments";
import { Pill, type Tone } from "../../ui/Pill";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal, withHeld } from "../../ui/undo";
import { CaptureDetail } from "./CaptureDetail";
import { CaptureDialog } from "./CaptureDialog";
import { RowMenu } from "./RowMenu";

const REFRESH_MS = 5000; // sizes grow without an event of their own

export interface CapturesSearch {
  create: boolean;
  selected?: string;
}

export function capturesSearch(raw: Partial<Record<keyof CapturesSearch, unknown>> & SearchSchemaInput): CapturesSearch {
  return { create: raw.create === true, ...(typeof raw.selected === "string" ? { selected: raw.selected } : {}) };
}

const TONE_OF = {
  Error: "bad",
  Capturing: "good",
  WaitingForTraffic: "info",
  Scheduled: "planned",
  Finished: "neutral",
  Pending: "neutral",
} as const satisfies Record<CaptureState, Tone>;

export function CapturesPage({ search }: { search: CapturesSearch }) {
  const navigate = useNavigate();
  const { list, gone, refresh, act, remove } = useCaptures();
  const open = (create: boolean): void => void navigate({ to: "/captures", search: { ...search, create } });
  const select = (selected: string | undefined): void =>
    void navigate({ to: "/captures", search: { create: false, ...(selected === undefined ? {} : { selected }) } });
  useKeys({ n: () => { open(true); }, Escape: () => { select(undefined); } });
  const rows = (list.data ?? []).filter((capture) => !gone.has(idOf(capture)));
  const shown = rows.find((capture) => idOf(capture) === search.selected);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>Captures</Title>
        <Button size="xs" onClick={() => { open(true); }}>
          New capture
        </Button>
      </Group>
      {list.isError && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      <DataTable
        label="Capture jobs"
        columns={[
          ...COLUMNS,
          { title: "Actions", show: (capture) => <RowMenu capture={capture} act={act} onDelete={() => { remove(capture); }} /> },
        ]}
        rows={rows}
        idOf={idOf}
        selected={search.selected}
        onSelect={select}
        empty={
          <Text size="sm">
            {list.isPending ? "Loading…" : "No capture yet. Make one here, or apply a PacketCapture with kubectl."}
          </Text>
        }
      />
      {shown && <CaptureDetail capture={shown} />}
      <CaptureDialog
        isOpen={search.create}
        onClose={() => { open(false); }}
        onCreate={async (capture) => {
          await captures.create(capture);
          await refresh();
          open(false);
        }}
      />
    </Stack>
  );
}

const idOf = (capture: Capture): string => `${capture.namespace}/${capture.name}`;

const COLUMNS: Column<Capture>[] = [
  { title: "Job Name", show: (capture) => capture.name, opens: true },
  { title: "Namespace", show: (capture) => capture.namespace },
  {
    title: "Status",
    show: ({ state, message }) => (
      <>
        <Pill tone={TONE_OF[state]}>{state}</Pill>
        {message && <Text size="xs">{message}</Text>}
      </>
    ),
  },
  { title: "Start Time", show: (capture) => local(capture.start ?? capture.created) },
  { title: "End Time", show: (capture) => local(capture.end) },
  { title: "Selectors", show: (capture) => capture.selector },
  { title: "Protocol", show: (capture) => ofFilters(capture, ({ protocol }) => String(protocol ?? "ANY")) },
  { title: "Ports", show: (capture) => ofFilters(capture, ({ ports }) => ports?.join(", ") ?? "ANY") },
  { title: "Nodes", show: (capture) => capture.nodes.length },
  { title: "Files", show: (capture) => (capture.files === 0 ? "-" : `${capture.files} (${bytes(capture.bytes)})`) },
];

function ofFilters({ filters }: Capture, show: (filter: Capture["filters"][number]) => string): string {
  return filters.length === 0 ? "ANY" : filters.map(show).join("; ");
}

/** The list, and what can be done to it. */
function useCaptures() {
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["captures"], queryFn: captures.list, refetchInterval: REFRESH_MS });
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["captures"] });
  const act = async (what: string, action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      showRefusal(what, error as Error);
    }
    await refresh();
  };
  const hide = (capture: Capture, isHidden: boolean): void => {
    setGone((before) => new Set([...before].filter((id) => id !== idOf(capture)).concat(isHidden ? [idOf(capture)] : [])));
  };
  const remove = (capture: Capture): void => {
    const deletion = (): Promise<void> => act(`Could not delete ${capture.name}`, () => captures.remove(capture));
    if (capture.files === 0) {
      void deletion();
      offerUndo(`${capture.name} deleted`, () => void act("Could not bring it back", () => captures.create(again(capture))));
      return;
    }
    hide(capture, true); // files do not come back: they go only when nobody has called it off
    const settle = (): void => {
      hide(capture, false);
    };
    withHeld(`${capture.name} and its files will be deleted`, () => void deletion().then(settle), settle);
  };
  return { list, gone, refresh, act, remove };
}

/** What has to be asked for to have the same capture once more. */
function again({ namespace, name, selector, filters, start, end }: Capture): NewCapture {
  return { namespace, name, selector, filters, ...(start ? { start } : {}), ...(end ? { end } : {}) };
}
