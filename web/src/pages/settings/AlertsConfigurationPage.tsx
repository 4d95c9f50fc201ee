/** Alerts configuration: which questions are asked of the logs, and new ones from nothing or from a template. */
import { Anchor, Button, Group, Menu, Modal, Stack, Tabs, Text, Title } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type SearchSchemaInput, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { afresh, type GlobalAlert, globalAlerts, globalAlertTemplates } from "../../api/kube";
import { type Column, DataTable } from "../../ui/DataTable";
import { useKeys } from "../../ui/keys";
import { Pill } from "../../ui/Pill";
import { Problem } from "../../ui/Problem";
import { offerUndo, showRefusal } from "../../ui/undo";
import { AlertDefinition } from "./AlertDefinition";
import { AlertForm } from "./AlertForm";

export interface ConfigurationSearch {
  tab: "alerts" | "templates";
  selected?: string;
  /** What a new alert is made of, while one is being made. */
  make?: "blank" | "template";
}

export function configurationSearch(raw: Partial<Record<keyof ConfigurationSearch, unknown>> & SearchSchemaInput): ConfigurationSearch {
  return {
    tab: raw.tab === "templates" ? "templates" : "alerts",
    ...(typeof raw.selected === "string" ? { selected: raw.selected } : {}),
    ...(raw.make === "blank" || raw.make === "template" ? { make: raw.make } : {}),
  };
}

/** What the form is filled with: a fresh alert, a copy, or one that is changed. */
interface Draft {
  alert: GlobalAlert | undefined;
  isNew: boolean;
}

export function AlertsConfigurationPage({ search }: { search: ConfigurationSearch }) {
  const navigate = useNavigate();
  const { alerts, templates, refresh, remove } = useAlerts();
  const [chosen, setChosen] = useState<Draft>();
  const { tab, selected } = search;
  const go = (next: ConfigurationSearch): void => void navigate({ to: "/settings/alerts", search: next });
  const select = (name: string | undefined): void => {
    go({ tab, ...(name === undefined ? {} : { selected: name }) });
  };
  const close = (): void => {
    setChosen(undefined);
    select(selected);
  };
  useKeys({
    n: () => { go({ ...search, make: "template" }); },
    Escape: () => { select(undefined); },
  });

  const isTemplates = tab === "templates";
  const shown = isTemplates ? templates : alerts;
  const rows = byName(shown.data);
  const open = rows.find((alert) => alert.metadata.name === selected);
  const draft = chosen ?? (search.make === "blank" ? { alert: undefined, isNew: true } : undefined);

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
            <Menu.Item onClick={() => { go({ ...search, make: "blank" }); }}>Blank</Menu.Item>
            <Menu.Item onClick={() => { go({ ...search, make: "template" }); }}>Template</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <Tabs value={tab} onChange={(next) => { go({ tab: next === "templates" ? "templates" : "alerts" }); }}>
        <Tabs.List>
          <Tabs.Tab value="alerts">Alerts ({alerts.data?.length ?? 0})</Tabs.Tab>
          <Tabs.Tab value="templates">Templates ({templates.data?.length ?? 0})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={tab} pt="sm">
          {shown.isError && <Problem error={shown.error} onRetry={() => void shown.refetch()} />}
          <DataTable
            label={isTemplates ? "Alert templates" : "Configured alerts"}
            columns={isTemplates ? COLUMNS : [...COLUMNS, STATUS]}
            rows={rows}
            idOf={(alert) => alert.metadata.name}
            selected={selected}
            onSelect={select}
            empty={<Text size="sm">{shown.isPending ? "Loading…" : "None yet. New makes one, blank or from a template."}</Text>}
          />
        </Tabs.Panel>
      </Tabs>
      {open && (
        <AlertDefinition
          alert={open}
          isTemplate={isTemplates}
          onDraft={(alert, isNew) => { setChosen({ alert, isNew }); }}
          onDelete={() => void remove(open)}
        />
      )}
      <Modal
        opened={search.make === "template"}
        onClose={close}
        title="Select alert configuration template"
        size="lg"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <DataTable
          label="Templates"
          columns={COLUMNS.filter((column) => column.title !== "Severity")}
          rows={byName(templates.data)}
          idOf={(alert) => alert.metadata.name}
          onSelect={(name) => {
            setChosen({ alert: templates.data?.find((alert) => alert.metadata.name === name), isNew: true });
            select(selected);
          }}
          empty={<Text size="sm">No templates.</Text>}
        />
      </Modal>
      <Modal
        opened={draft !== undefined}
        onClose={close}
        title={draft?.isNew ? "New alert" : "Edit alert"}
        size="80rem"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        {draft && (
          <AlertForm
            alert={draft.alert}
            isNew={draft.isNew}
            onCancel={close}
            onSaved={async () => {
              await refresh();
              close();
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

function useAlerts() {
  const queries = useQueryClient();
  const alerts = useQuery({ queryKey: ["globalalerts"], queryFn: globalAlerts.list });
  const templates = useQuery({ queryKey: ["globalalerts", "templates"], queryFn: globalAlertTemplates.list });
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
      globalAlerts.create(afresh(alert)).then(refresh, (error: unknown) => {
        showRefusal("Could not bring it back", error as Error);
      });
    });
  };
  return { alerts, templates, refresh, remove };
}

function byName(alerts: GlobalAlert[] | undefined): GlobalAlert[] {
  return [...(alerts ?? [])].sort((left, right) => left.metadata.name.localeCompare(right.metadata.name));
}

const COLUMNS: Column<GlobalAlert>[] = [
  { title: "Name", show: (alert) => alert.metadata.name, opens: true },
  { title: "Description", show: (alert) => alert.spec.description },
  { title: "Data Set", show: (alert) => alert.spec.dataSet ?? "N/A" },
  { title: "Severity", show: (alert) => alert.spec.severity },
];

const STATUS: Column<GlobalAlert> = {
  title: "Status",
  show: ({ status }) => {
    if (status?.active === undefined) return <Pill tone="neutral">Pending</Pill>;
    if (!status.healthy) return <Pill tone="bad">Error</Pill>;
    return <Pill tone={status.active ? "good" : "neutral"}>{status.active ? "Active" : "Inactive"}</Pill>;
  },
};
