/** A new capture: which workloads, which packets, from when to when; the manifest grows beside the form. */
import { Button, Grid, Group, Modal, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { namespaces, type PacketCapture } from "../../api/kube";
import { Manifest } from "../../ui/Manifest";
import { Problem } from "../../ui/Problem";
import { captureOf, type CaptureForm, emptyForm } from "./form";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  /** Resolves when the server took it; a refusal is shown in the dialog. */
  onCreate: (capture: PacketCapture) => Promise<void>;
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
  const known = useQuery({ queryKey: ["namespaces"], queryFn: namespaces.list });
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
            <TextInput
              label="Job Name"
              required
              data-autofocus
              value={form.name}
              onChange={(event) => {
                set({ name: event.currentTarget.value });
              }}
            />
            <Select
              label="Namespace"
              required
              searchable
              data={(known.data ?? []).map((namespace) => namespace.metadata.name)}
              value={form.namespace}
              onChange={(namespace) => {
                set({ namespace: namespace ?? "default" });
              }}
            />
            <TextInput
              label="Selector"
              placeholder='app == "nginx"; empty: every workload of the namespace'
              value={form.selector}
              onChange={(event) => {
                set({ selector: event.currentTarget.value });
              }}
            />
            <TextInput
              label="Start Time"
              type="datetime-local"
              step={1}
              description="Empty: at once"
              value={form.start}
              onChange={(event) => {
                set({ start: event.currentTarget.value });
              }}
            />
            <TextInput
              label="End Time"
              type="datetime-local"
              step={1}
              description="Empty: until it is stopped"
              value={form.end}
              onChange={(event) => {
                set({ end: event.currentTarget.value });
              }}
            />
            <Select
              label="Protocol"
              clearable
              placeholder="Any"
              data={["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"]}
              value={form.protocol}
              onChange={(protocol) => {
                set({ protocol });
              }}
            />
            <TagsInput
              label="Ports"
              placeholder="80, or 6040:6050; Enter adds"
              value={form.ports}
              onChange={(ports) => {
                set({ ports });
              }}
            />
          </Stack>
        </Grid.Col>
        <Grid.Col span={6}>
          <Manifest object={capture} />
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
