/** A new exception: what it hides, seen before it does; why, and until when. */
import { Button, Grid, Group, Modal, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { oneEvent, searchEvents } from "../../api/events";
import { alertExceptions } from "../../api/kube";
import { Manifest } from "../../ui/Manifest";
import { local } from "../../ui/moments";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal } from "../../ui/undo";
import { emptyForm, type End, ENDS, type ExceptionForm, exceptionOf } from "./form";
import { type Scope, scopesOf } from "./scopes";

interface Props {
  /** The event of which an exception is made; none: the selector is written by hand. */
  of: string | undefined;
  isOpen: boolean;
  onClose: () => void;
}

export function ExceptionDialog({ of, isOpen, onClose }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Create an Exception" size="70rem" closeButtonProps={{ "aria-label": "Close" }}>
      {isOpen && (of === undefined ? <Form scopes={[]} onClose={onClose} /> : <OfEvent id={of} onClose={onClose} />)}
    </Modal>
  );
}

function OfEvent({ id, onClose }: { id: string; onClose: () => void }) {
  const event = useQuery({ queryKey: ["events", "one", id], queryFn: () => oneEvent(id) });
  if (event.isError) return <Problem error={event.error} />;
  if (event.data === undefined) return <Text size="sm">Loading…</Text>;
  return <Form scopes={scopesOf(event.data)} onClose={onClose} />;
}

function Form({ scopes, onClose }: { scopes: Scope[]; onClose: () => void }) {
  const queries = useQueryClient();
  const [now] = useState(() => new Date());
  const [form, setForm] = useState<ExceptionForm>(() => emptyForm(now, scopes[0]?.selector ?? ""));
  const [error, setError] = useState<Error>();
  const exception = exceptionOf(form, now);
  const reason = useRef<HTMLInputElement>(null);
  useEffect(() => {
    reason.current?.focus(); // the dialog chose its first field before this form was there
  }, []);
  const set = (part: Partial<ExceptionForm>): void => {
    setForm({ ...form, ...part });
  };
  const refresh = async (): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["exceptions"] });
    await queries.invalidateQueries({ queryKey: ["events"] });
  };
  const create = async (): Promise<void> => {
    setError(undefined);
    try {
      await alertExceptions.create(exception);
    } catch (refused) {
      setError(refused as Error);
      return;
    }
    onClose();
    await refresh();
    offerUndo(`${form.name} hides alerts now`, () => {
      alertExceptions.remove(form.name).then(refresh, (refused: unknown) => {
        showRefusal("Could not undo", refused as Error);
      });
    });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <Grid>
        <Grid.Col span={7}>
          <Stack gap="xs">
            {scopes.length > 0 && (
              <Select
                label="Scope"
                allowDeselect={false}
                data={scopes.map(({ selector, label }) => ({ value: selector, label }))}
                value={scopes.some(({ selector }) => selector === form.selector) ? form.selector : null}
                placeholder="As written below"
                onChange={(selector) => {
                  if (selector !== null) set({ selector });
                }}
              />
            )}
            <Textarea
              label="Selector"
              description="Alerts that this query finds are hidden, now and from now on; nothing is deleted"
              required
              autosize
              minRows={2}
              styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
              value={form.selector}
              onChange={(event) => { set({ selector: event.currentTarget.value }); }}
            />
            <Preview selector={form.selector} />
            <TextInput
              ref={reason}
              label="Reason"
              required
              data-autofocus
              placeholder="Why these need no attention"
              value={form.reason}
              onChange={(event) => { set({ reason: event.currentTarget.value }); }}
            />
            <Group grow align="end">
              <Select
                label="Ends"
                allowDeselect={false}
                data={ENDS.map(({ value, label }) => ({ value, label }))}
                value={form.end}
                onChange={(end) => { set({ end: end as End }); }}
              />
              {form.end === "at" && (
                <TextInput
                  label="End Time"
                  required
                  type="datetime-local"
                  step={1}
                  value={form.endAt}
                  onChange={(event) => { set({ endAt: event.currentTarget.value }); }}
                />
              )}
              <TextInput label="Name" required value={form.name} onChange={(event) => { set({ name: event.currentTarget.value }); }} />
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={5}>
          <Manifest object={exception} />
        </Grid.Col>
      </Grid>
      {error && <Problem error={error} />}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit">Create Exception</Button>
      </Group>
    </form>
  );
}

const PREVIEWED = 3;
const PAUSE_MS = 250;

/** How many alerts that are shown now would be hidden, and the newest of them. */
function Preview({ selector }: { selector: string }) {
  const [asked] = useDebouncedValue(selector.trim(), PAUSE_MS);
  const found = useQuery({
    queryKey: ["events", "preview", asked],
    queryFn: () => searchEvents({ query: asked, limit: PREVIEWED }),
    enabled: asked !== "",
    retry: false,
  });
  if (asked === "") return <Text size="sm">An empty selector is not taken: it would hide every alert.</Text>;
  if (found.isError) return <Problem error={found.error} />;
  if (found.data === undefined) return <Text size="sm">Counting…</Text>;
  return (
    <div role="status" aria-label="What it hides">
      <Text size="sm" fw={500}>
        {`Hides ${found.data.total} of the alerts that are shown now`}
      </Text>
      {found.data.items.map((event) => (
        <Text key={event.id} size="xs">
          {local(event.time)} {event.description}
        </Text>
      ))}
    </div>
  );
}
