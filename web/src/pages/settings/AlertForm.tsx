/** One alert's form, filled from nothing, a template or itself; the manifest grows beside it. */
import { Button, Grid, Group, NumberInput, Select, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

import { alertManifest, type GlobalAlert, globalAlerts, globalAlertTemplates, type GlobalAlertSpec } from "../../api/kube";
import { Manifest } from "../../ui/Manifest";
import { Problem } from "../../ui/Problem";

interface Props {
  alert: GlobalAlert | undefined;
  isNew: boolean;
  onCancel: () => void;
  onSaved: () => Promise<void>;
}

const BLANK: GlobalAlertSpec = { description: "", severity: 100, dataSet: "flows" };

export function AlertForm({ alert, isNew, onCancel, onSaved }: Props) {
  const [name, setName] = useState(alert?.metadata.name ?? "");
  const [spec, setSpec] = useState<GlobalAlertSpec>(alert?.spec ?? BLANK);
  const [error, setError] = useState<Error>();

  /** Set one field; an empty one is left out, so that the server's default applies. */
  const put = (key: keyof GlobalAlertSpec, value: string | number | string[] | null): void => {
    const isEmpty = value === null || value === "";
    const entries = Object.entries({ ...spec, [key]: value }).filter(([field]) => !(isEmpty && field === key));
    setSpec({ description: spec.description, severity: spec.severity, ...Object.fromEntries(entries) });
  };
  const save = async (): Promise<void> => {
    setError(undefined);
    try {
      if (isNew || alert === undefined) await globalAlerts.create(alertManifest("GlobalAlert", name, spec));
      else await globalAlerts.replace({ ...alert, spec });
      await onSaved();
    } catch (reason) {
      setError(reason as Error);
    }
  };
  const saveTemplate = async (): Promise<void> => {
    setError(undefined);
    try {
      await globalAlertTemplates.create(alertManifest("GlobalAlertTemplate", name, spec));
      await onSaved();
    } catch (reason) {
      setError(reason as Error);
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Grid>
        <Grid.Col span={7}>
          <Stack gap="xs">
            <TextInput
              label="Name"
              required
              readOnly={!isNew}
              data-autofocus
              value={name}
              onChange={(event) => {
                setName(event.currentTarget.value);
              }}
            />
            <TextInput
              label="Description"
              required
              value={spec.description}
              onChange={(event) => {
                setSpec({ ...spec, description: event.currentTarget.value });
              }}
            />
            <TextInput
              label="Summary"
              description={"Shown as the event's text; ${field} stands for a grouping field or the metric"}
              value={spec.summary ?? ""}
              onChange={(event) => {
                put("summary", event.currentTarget.value);
              }}
            />
            <Group grow>
              <NumberInput
                label="Severity"
                required
                min={1}
                max={100}
                value={spec.severity}
                onChange={(value) => {
                  setSpec({ ...spec, severity: Number(value) });
                }}
              />
              <Select
                label="Data Set"
                clearable
                data={["flows", "dns", "audit", "l7", "waf", "vulnerability"]}
                value={spec.dataSet ?? null}
                onChange={(value) => {
                  put("dataSet", value);
                }}
              />
            </Group>
            <Group grow>
              <TextInput
                label="Period"
                placeholder="5m"
                value={spec.period ?? ""}
                onChange={(event) => {
                  put("period", event.currentTarget.value);
                }}
              />
              <TextInput
                label="Lookback"
                placeholder="10m"
                value={spec.lookback ?? ""}
                onChange={(event) => {
                  put("lookback", event.currentTarget.value);
                }}
              />
            </Group>
            <Textarea
              label="Query String"
              autosize
              minRows={2}
              styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
              value={spec.query ?? ""}
              onChange={(event) => {
                put("query", event.currentTarget.value);
              }}
            />
            <TagsInput
              label="Aggregate by"
              placeholder="A field; Enter adds"
              value={spec.aggregateBy ?? []}
              onChange={(value) => {
                put("aggregateBy", value.length === 0 ? null : value);
              }}
            />
            <Group grow align="end">
              <Select
                label="Metric"
                clearable
                data={["count", "min", "max", "sum", "avg"]}
                value={spec.metric ?? null}
                onChange={(value) => {
                  put("metric", value);
                }}
              />
              <TextInput
                label="Field"
                disabled={spec.metric === "count"}
                title={spec.metric === "count" ? "count takes no field" : ""}
                value={spec.field ?? ""}
                onChange={(event) => {
                  put("field", event.currentTarget.value);
                }}
              />
              <Select
                label="Condition"
                clearable
                data={["eq", "not_eq", "gt", "gte", "lt", "lte"]}
                value={spec.condition ?? null}
                onChange={(value) => {
                  put("condition", value);
                }}
              />
              <NumberInput
                label="Threshold"
                value={spec.threshold ?? ""}
                onChange={(value) => {
                  put("threshold", value === "" ? null : Number(value));
                }}
              />
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={5}>
          <Manifest object={alertManifest("GlobalAlert", name, spec)} />
        </Grid.Col>
      </Grid>
      {error && <Problem error={error} />}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button variant="default" disabled={name === ""} onClick={() => void saveTemplate()}>
          Save as template
        </Button>
        <Button type="submit">{isNew ? "Create" : "Save"}</Button>
      </Group>
    </form>
  );
}
