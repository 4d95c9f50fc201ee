/** Alerts configuration: which questions are asked of the logs, and new ones from nothing or from a template. */
import { Anchor, Button, Group, Menu, Modal, Stack, Tabs, Text, Title } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { type GlobalAlert, globalAlerts } from "../../api/kube";
import { type Column, DataTable } from "../../ui/DataTable";
import { Fields } from "../../ui/Fields";
import { local } from "../../ui/moments";
import { Pill } from "../../ui/Pill";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal } from "../../ui/undo";
import { AlertForm } from "./AlertForm";

export interface ConfigurationSearch {
  tab: "alerts" | "templates";
}

export function configurationSearch(raw: Partial<Record<keyof ConfigurationSearch, unknown>> & SearchSchemaInput): ConfigurationSearch {
  return { tab: raw.tab === "templates" ? "templates" : "alerts" };
}

/** What the form is filled with: a fresh alert, a copy, or one that is changed. */
interface Draft {
  alert: GlobalAlert | undefined;
  isNew: boolean;
}

export function AlertsConfigurationPage({ search }: { search: ConfigurationSearch }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const alerts = useQuery({ queryKey: ["globalalerts"], queryFn: globalAlerts.list });
  const templates = useQuery({ queryKey: ["globalalerts", "templates"], queryFn: globalAlerts.templates });
  const [selected, setSelected] = useState<string>();
  const [isChoosing, setChoosing] = useState(false);
  const [draft, setDraft] = useState<Draft>();

  const isTemplates = search.tab === "templates";
  const shown = isTemplates ? templates : alerts;
  const byName = [...(shown.data ?? [])].sort((left, right) => left.metadata.name.localeCompare(right.metadata.name));
  const open = byName.find((alert) => alert.metadata.name === selected);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["globalalerts"] });

  const remove = async (alert: GlobalAlert): Promise<void> => {
    try {
      await globalAlerts.remove(alert.metadata.name);
    } catch (error) {
      showRefusal("Could not delete", error as Error);
      return;
    }
    await refresh();
    offerUndo(`${alert.metadata.name} deleted`, () => {
      void globalAlerts.create(alert.metadata.name, alert.spec).then(refresh);
    });
  };

  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Stack gap={0}>
          <Anchor
            size="sm"
            href="/alerts"
            onClick={(event) => {
              event.preventDefault();
              void navigate({ to: "/alerts" });
            }}
          >
            <Group gap={4}>
              <IconArrowLeft size={14} /> Alerts
            </Group>
          </Anchor>
          <Title order={2}>Alerts configuration</Title>
        </Stack>
        <Menu>
          <Menu.Target>
            <Button size="xs">New</Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              onClick={() => {
                setDraft({ alert: undefined, isNew: true });
              }}
            >
              Blank
            </Menu.Item>
            <Menu.Item
              onClick={() => {
                setChoosing(true);
              }}
            >
              Template
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <Tabs
        value={search.tab}
        onChange={(tab) => {
          setSelected(undefined);
          void navigate({ to: "/settings/alerts", search: { tab: tab === "templates" ? "templates" : "alerts" } });
        }}
      >
        <Tabs.List>
          <Tabs.Tab value="alerts">Alerts ({alerts.data?.length ?? 0})</Tabs.Tab>
          <Tabs.Tab value="templates">Templates ({templates.data?.length ?? 0})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={search.tab} pt="sm">
          {shown.isError && <Problem error={shown.error} onRetry={() => void shown.refetch()} />}
          <DataTable
            label={isTemplates ? "Alert templates" : "Configured alerts"}
            columns={isTemplates ? COLUMNS : [...COLUMNS, STATUS]}
            rows={byName}
            idOf={(alert) => alert.metadata.name}
            selected={selected}
            onSelect={(name) => {
              setSelected(name === selected ? undefined : name);
            }}
            empty={<Text size="sm">{shown.isPending ? "Loading…" : "None yet. New makes one, blank or from a template."}</Text>}
          />
        </Tabs.Panel>
      </Tabs>
      {open && (
        <Stack gap="xs" component="section" aria-label={`Alert ${open.metadata.name}`}>
          <Group gap="xs">
            {!isTemplates && (
              <>
                <Button size="xs" variant="default" onClick={() => { setDraft({ alert: open, isNew: false }); }}>
                  Edit
                </Button>
                <Button size="xs" variant="default" onClick={() => { setDraft({ alert: copyOf(open), isNew: true }); }}>
                  Duplicate
                </Button>
                <Button size="xs" variant="default" onClick={() => void remove(open)}>
                  Delete
                </Button>
              </>
            )}
            {isTemplates && (
              <Button size="xs" onClick={() => { setDraft({ alert: open, isNew: true }); }}>
                Create alert from this template
              </Button>
            )}
          </Group>
          <Fields label="Alert definition" fields={definition(open)} />
        </Stack>
      )}
      <Modal
        opened={isChoosing}
        onClose={() => {
          setChoosing(false);
        }}
        title="Select alert configuration template"
        size="lg"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <DataTable
          label="Templates"
          columns={COLUMNS.filter((column) => column.title !== "Severity")}
          rows={[...(templates.data ?? [])].sort((left, right) => left.metadata.name.localeCompare(right.metadata.name))}
          idOf={(alert) => alert.metadata.name}
          onSelect={(name) => {
            setChoosing(false);
            setDraft({ alert: templates.data?.find((alert) => alert.metadata.name === name), isNew: true });
          }}
          empty={<Text size="sm">No templates.</Text>}
        />
      </Modal>
      <Modal
        opened={draft !== undefined}
        onClose={() => {
          setDraft(undefined);
        }}
        title={draft?.isNew ? "New alert" : "Edit alert"}
        size="80rem"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        {draft && (
          <AlertForm
            alert={draft.alert}
            isNew={draft.isNew}
            onCancel={() => {
              setDraft(undefined);
            }}
            onSaved={async () => {
              await refresh();
              setDraft(undefined);
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

const COLUMNS: Column<GlobalAlert>[] = [
  { title: "Name", show: (alert) => alert.metadata.name, opens: true },
  { title: "Description", show: (alert) => alert.spec.description },
  { title: "Data Set", show: (alert) => alert.spec.dataSet ?? "N/A" },
  { title: "Severity", show: (alert) => alert.spec.severity },
];

const STATUS: Column<GlobalAlert> = {
  title: "Status",
  show: (alert) => {
    const { status } = alert;
    if (status === undefined) return <Pill tone="neutral">Pending</Pill>;
    if (!status.healthy) return <Pill tone="bad">Error</Pill>;
    return <Pill tone={status.active ? "good" : "neutral"}>{status.active ? "Active" : "Inactive"}</Pill>;
  },
};

function copyOf(alert: GlobalAlert): GlobalAlert {
  return { ...alert, metadata: { name: `${alert.metadata.name}-copy` } };
}

function definition(alert: GlobalAlert): [string, string | number | undefined][] {
  const { spec, status } = alert;
  return [
    ["Name", alert.metadata.name],
    ["Summary", spec.summary],
    ["Description", spec.description],
    ["Severity", spec.severity],
    ["Data Set", spec.dataSet],
    ["Query", spec.query],
    ["Aggregate By", spec.aggregateBy?.join(", ")],
    ["Field", spec.field],
    ["Metric", spec.metric],
    ["Condition", spec.condition],
    ["Threshold", spec.threshold],
    ["Period", spec.period],
    ["Lookback", spec.lookback],
    ["Status", status && (status.active ? "Active" : "Inactive")],
    ["Health", status && (status.healthy ? "Healthy" : (status.errorConditions ?? []).map((e) => e.message).join("; "))],
    ["Last executed", status?.lastExecuted && local(status.lastExecuted)],
    ["Last event", status?.lastEvent && local(status.lastEvent)],
  ];
}
