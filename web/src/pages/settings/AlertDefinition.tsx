/** One alert or template whole: what it asks, how it fares, and what can be done with it. */
import { Button, Group, Stack } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import { afresh, type GlobalAlert } from "../../api/kube";
import { condition } from "../../api/query";
import { Fields } from "../../ui/Fields";
import { local } from "../../ui/moments";

interface Props {
  alert: GlobalAlert;
  isTemplate: boolean;
  /** Open the form with this alert, as a new one or to change it. */
  onDraft: (alert: GlobalAlert, isNew: boolean) => void;
  onDelete: () => void;
}

export function AlertDefinition({ alert, isTemplate, onDraft, onDelete }: Props) {
  const navigate = useNavigate();
  const { name } = alert.metadata;
  const showEvents = (): void => {
    void navigate({ to: "/alerts", search: { query: condition("origin", "=", name), span: "all" } });
  };
  return (
    <Stack gap="xs" component="section" aria-label={`Alert ${name}`}>
      <Group gap="xs">
        {isTemplate ? (
          <Button size="xs" onClick={() => { onDraft(alert, true); }}>
            Create alert from this template
          </Button>
        ) : (
          <>
            <Button size="xs" variant="default" onClick={() => { onDraft(alert, false); }}>
              Edit
            </Button>
            <Button size="xs" variant="default" onClick={() => { onDraft(afresh(alert, `${name}-copy`), true); }}>
              Duplicate
            </Button>
            <Button size="xs" variant="default" onClick={showEvents}>
              View events
            </Button>
            <Button size="xs" variant="default" onClick={onDelete}>
              Delete
            </Button>
          </>
        )}
      </Group>
      <Fields label="Alert definition" fields={definition(alert)} />
    </Stack>
  );
}

function definition({ metadata, spec, status }: GlobalAlert): [string, string | number | undefined][] {
  return [
    ["Name", metadata.name],
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
    ["Health", status && (status.healthy ? "Healthy" : (status.errorConditions ?? []).map(({ message }) => message).join("; "))],
    ["Last executed", status?.lastExecuted && local(status.lastExecuted)],
    ["Last event", status?.lastEvent && local(status.lastEvent)],
  ];
}
