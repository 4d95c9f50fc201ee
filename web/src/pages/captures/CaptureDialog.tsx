/** A new capture: which workloads, which packets, from when to when; the manifest grows beside the form. */
import { Button, Grid, Group, Modal, SegmentedControl, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { NewCapture } from "../../api/captures";
import { namespaces } from "../../api/kube";
import { Manifest } from "../../ui/Manifest";
import { Problem } from "../../ui/Problem";
import { captureOf, type CaptureForm, emptyForm, manifestOf } from "./form";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  /** Resolves when the server took it; a refusal is shown in the dialog. */
  onCreate: (capture: NewCapture) => Promise<void>;
}

export function CaptureDialog({ isOpen, onClose, onCreate }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Packet Capture" size="xl" closeButtonProps={{ "aria-label": "Close" }}>
      {isOpen && <Form onClose={onClose} onCreate={onCreate} />}
    </Modal>
  );
}

function Form({ onClose, onCreate }: Omit<Props, "isOpen">) {
  const [form, setForm] = useState<CaptureForm>(() => emptyForm(new Date()));
  const [error, setError] = useState<Error>();
  const capture = captureOf(form);
  const set = (part: Partial<CaptureForm>): void => {
    setForm({ ...form, ...part });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setError(undefined);
        onCreate(capture).catch((reason: unknown) => {
          setError(reason as Error);
        });
      }}
    >
      <Grid>
        <Grid.Col span={6}>
          <Stack gap="xs">
            <Workloads form={form} set={set} />
            <Times form={form} set={set} />
            <Packets form={form} set={set} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={6}>
          <Manifest object={manifestOf(capture)} />
        </Grid.Col>
      </Grid>
      {error && <Problem error={error} />}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit">Run</Button>
      </Group>
    </form>
  );
}

interface Part {
  form: CaptureForm;
  set: (part: Partial<CaptureForm>) => void;
}

function Workloads({ form, set }: Part) {
  const known = useQuery({ queryKey: ["namespaces"], queryFn: namespaces.list });
  const names = (known.data ?? []).map((namespace) => namespace.metadata.name);
  return (
    <>
      <TextInput
        label="Job Name"
        required
        data-autofocus
        value={form.name}
        onChange={(event) => { set({ name: event.currentTarget.value }); }}
      />
      <Select
        label="Namespace"
        required
        searchable
        data={names.includes(form.namespace) ? names : [form.namespace, ...names]}
        value={form.namespace}
        onChange={(namespace) => { set({ namespace: namespace ?? "default" }); }}
      />
      <TextInput
        label="Selector"
        placeholder='app == "nginx"; empty: every workload of the namespace'
        value={form.selector}
        onChange={(event) => { set({ selector: event.currentTarget.value }); }}
      />
    </>
  );
}

function Times({ form, set }: Part) {
  return (
    <>
      <div>
        <Text size="sm" fw={500} id="when">
          Begins
        </Text>
        <SegmentedControl
          aria-labelledby="when"
          size="xs"
          data={[
            { value: "now", label: "Now" },
            { value: "scheduled", label: "Scheduled" },
          ]}
          value={form.when}
          onChange={(when) => { set({ when }); }}
        />
      </div>
      {form.when === "scheduled" && (
        <TextInput
          label="Start Time"
          required
          type="datetime-local"
          step={1}
          value={form.start}
          onChange={(event) => { set({ start: event.currentTarget.value }); }}
        />
      )}
      <TextInput
        label="End Time"
        type="datetime-local"
        step={1}
        description="Empty: until it is stopped"
        value={form.end}
        onChange={(event) => { set({ end: event.currentTarget.value }); }}
      />
    </>
  );
}

function Packets({ form, set }: Part) {
  return (
    <>
      <Select
        label="Protocol"
        clearable
        clearButtonProps={{ "aria-label": "Clear protocol", tabIndex: 0 }}
        placeholder="Any"
        data={["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"]}
        value={form.protocol}
        onChange={(protocol) => { set({ protocol }); }}
      />
      <TagsInput
        label="Ports"
        placeholder="80, or 6040:6050; Enter adds"
        value={form.ports}
        onChange={(ports) => { set({ ports }); }}
      />
    </>
  );
}
