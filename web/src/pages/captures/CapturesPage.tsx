/** Captures: which packets are being recorded, and how to have them in hand. */
import { Anchor, Button, Group, Menu, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";

import { foldedState, type PacketCapture, packetCaptures } from "../../api/kube";
import { type Column, DataTable } from "../../ui/DataTable";
import { bytes, local } from "../../ui/moments";
import { Pill, type Tone } from "../../ui/Pill";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal } from "../../ui/undo";
import { CaptureDialog } from "./CaptureDialog";

const REFRESH_MS = 5000; // sizes grow without an event of their own

export interface CapturesSearch {
  create: boolean;
}

export function capturesSearch(raw: Partial<Record<keyof CapturesSearch, unknown>> & SearchSchemaInput): CapturesSearch {
  return { create: raw.create === true };
}

const TONE_OF: Record<string, Tone> = {
  Error: "bad",
  Capturing: "good",
  WaitingForTraffic: "info",
  Scheduled: "planned",
};

export function CapturesPage({ search }: { search: CapturesSearch }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["captures"], queryFn: packetCaptures.list, refetchInterval: REFRESH_MS });
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["captures"] });
  const act = async (what: string, action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      showRefusal(what, error as Error);
    }
    await refresh();
  };
  const open = (create: boolean): void => void navigate({ to: "/captures", search: { create } });
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>Captures</Title>
        <Button
          size="xs"
          onClick={() => {
            open(true);
          }}
        >
          New capture
        </Button>
      </Group>
      {list.isError && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      <DataTable
        label="Capture jobs"
        columns={[...COLUMNS, { title: "Actions", show: (capture) => <RowMenu capture={capture} act={act} /> }]}
        rows={list.data ?? []}
        idOf={idOf}
        empty={
          <Text size="sm">
            {list.isPending ? "Loading…" : "No capture yet. Make one here, or apply a PacketCapture with kubectl."}
          </Text>
        }
      />
      <CaptureDialog
        isOpen={search.create}
        onClose={() => {
          open(false);
        }}
        onCreate={async (capture) => {
          await packetCaptures.create(capture);
          await refresh();
          open(false);
        }}
      />
    </Stack>
  );
}

const idOf = (capture: PacketCapture): string => `${capture.metadata.namespace ?? ""}/${capture.metadata.name}`;

const COLUMNS: Column<PacketCapture>[] = [
  { title: "Job Name", show: (capture) => capture.metadata.name },
  { title: "Namespace", show: (capture) => capture.metadata.namespace },
  {
    title: "Status",
    show: (capture) => {
      const state = foldedState(capture);
      return <Pill tone={TONE_OF[state] ?? "neutral"}>{state}</Pill>;
    },
  },
  { title: "Start Time", show: (capture) => local(capture.spec.startTime ?? capture.metadata.creationTimestamp) },
  { title: "End Time", show: (capture) => local(capture.spec.endTime) },
  { title: "Selectors", show: (capture) => capture.spec.selector ?? "all()" },
  { title: "Protocol", show: (capture) => rule(capture, (filter) => String(filter.protocol ?? "ANY")) },
  { title: "Ports", show: (capture) => rule(capture, (filter) => filter.ports?.join(", ") ?? "ANY") },
  {
    title: "Files",
    show: (capture) => {
      const files = capture.status?.files ?? [];
      const count = files.reduce((sum, node) => sum + (node.fileNames?.length ?? 0), 0);
      const size = files.reduce((sum, node) => sum + (node.bytes ?? 0), 0);
      return count === 0 ? "-" : `${count} (${bytes(size)})`;
    },
  },
];

function rule(capture: PacketCapture, show: (filter: { protocol?: string | number; ports?: (string | number)[] }) => string) {
  const filters = capture.spec.filters ?? [];
  return filters.length === 0 ? "ANY" : filters.map(show).join("; ");
}

interface RowMenuProps {
  capture: PacketCapture;
  act: (what: string, action: () => Promise<unknown>) => Promise<void>;
}

function RowMenu({ capture, act }: RowMenuProps) {
  const { name, namespace = "default" } = capture.metadata;
  const state = foldedState(capture);
  const hasFiles = (capture.status?.files ?? []).some((node) => (node.fileNames ?? []).length > 0);
  const isRunning = state === "Capturing" || state === "WaitingForTraffic";

  const remove = async (): Promise<void> => {
    await act("Could not delete the job", () => packetCaptures.remove(namespace, name));
    offerUndo(`${name} deleted with its files; undo starts it anew`, () => {
      const { metadata, ...rest } = capture;
      const fresh = { ...rest, metadata: { name: metadata.name, namespace } };
      void act("Could not bring it back", () => packetCaptures.create(fresh));
    });
  };
  return (
    <Group gap="xs" wrap="nowrap">
      {hasFiles ? (
        <Anchor size="sm" href={packetCaptures.downloadPath(namespace, name)} download>
          Download
        </Anchor>
      ) : (
        <Text size="sm" title="Nothing was recorded yet">
          No files
        </Text>
      )}
      <Menu>
        <Menu.Target>
          <Button size="compact-xs" variant="default" aria-label={`Actions for ${name}`}>
            Actions
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            disabled={!isRunning}
            onClick={() => void act("Could not stop", () => packetCaptures.window(namespace, name, { endTime: now() }))}
          >
            Stop
          </Menu.Item>
          <Menu.Item
            disabled={isRunning}
            onClick={() =>
              void act("Could not run", () =>
                packetCaptures.window(namespace, name, { startTime: null, endTime: null }),
              )
            }
          >
            Run now
          </Menu.Item>
          <Menu.Item onClick={() => void remove()}>Delete job</Menu.Item>
          <Menu.Item
            disabled={state !== "Finished" || !hasFiles}
            title={state === "Finished" ? "" : "Files can be deleted once the job is Finished"}
            onClick={() => void act("Could not delete the files", () => packetCaptures.removeFiles(namespace, name))}
          >
            Delete captures
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
