/** Exceptions: which alerts are hidden on purpose, why, and until when. */
import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";

import { afresh, type AlertException, alertExceptions } from "../../api/kube";
import { type Column, DataTable } from "../../ui/DataTable";
import { useKeys } from "../../ui/keys";
import { local } from "../../ui/moments";
import { Pill } from "../../ui/Pill";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal } from "../../ui/undo";
import { ExceptionDialog } from "./ExceptionDialog";
import { stateOf } from "./form";

export interface ExceptionsSearch {
  create: boolean;
}

export function exceptionsSearch(raw: Partial<Record<keyof ExceptionsSearch, unknown>> & SearchSchemaInput): ExceptionsSearch {
  return { create: raw.create === true };
}

export function ExceptionsPage({ search }: { search: ExceptionsSearch }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ["exceptions"], queryFn: alertExceptions.list });
  const open = (create: boolean): void => void navigate({ to: "/settings/exceptions", search: { create } });
  const refresh = async (): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["exceptions"] });
    await queries.invalidateQueries({ queryKey: ["events"] });
  };
  const remove = async (exception: AlertException): Promise<void> => {
    const { name } = exception.metadata;
    try {
      await alertExceptions.remove(name);
    } catch (error) {
      showRefusal("Could not delete", error as Error);
      return;
    }
    await refresh();
    offerUndo(`${name} deleted: its alerts are shown again`, () => {
      alertExceptions.create(afresh(exception)).then(refresh, (error: unknown) => {
        showRefusal("Could not bring it back", error as Error);
      });
    });
  };
  useKeys({ n: () => { open(true); } });
  const columns: Column<AlertException>[] = [
    ...COLUMNS,
    {
      title: "Actions",
      show: (exception) => (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Delete ${exception.metadata.name}`}
          onClick={() => void remove(exception)}
        >
          Delete
        </Button>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>Exceptions</Title>
        <Button size="xs" onClick={() => { open(true); }}>
          New exception
        </Button>
      </Group>
      {list.isError && <Problem error={list.error} onRetry={() => void list.refetch()} />}
      <DataTable
        label="Exceptions"
        columns={columns}
        rows={list.data ?? []}
        idOf={(exception) => exception.metadata.name}
        empty={
          <Text size="sm">
            {list.isPending ? "Loading…" : "Nothing is hidden on purpose. An exception is made here, or of an alert with s."}
          </Text>
        }
      />
      <ExceptionDialog of={undefined} isOpen={search.create} onClose={() => { open(false); }} />
    </Stack>
  );
}

const TONES = { "In force": "good", Planned: "planned", Ended: "neutral" } as const;

const COLUMNS: Column<AlertException>[] = [
  { title: "Name", show: (exception) => exception.metadata.name },
  { title: "Reason", show: (exception) => exception.spec.description },
  { title: "Selector", show: (exception) => <code>{exception.spec.selector}</code> },
  {
    title: "State",
    show: (exception) => {
      const state = stateOf(exception, new Date());
      return <Pill tone={TONES[state]}>{state}</Pill>;
    },
  },
  { title: "Start", show: (exception) => local(exception.spec.startTime) },
  { title: "End", show: (exception) => (exception.spec.endTime === undefined ? "Never" : local(exception.spec.endTime)) },
];
