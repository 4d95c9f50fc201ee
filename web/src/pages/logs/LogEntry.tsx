/** One record: every field it has, by the name that queries use; plain values can be taken hold of. */
import { Stack, Title } from "@mantine/core";

import type { Dataset, LogRow } from "../../api/logs";
import { Fields, type FieldValue, Json } from "../../ui/Fields";
import { type Grips, Handle } from "../../ui/Handle";

interface Props extends Grips {
  row: LogRow;
  dataset: Dataset | undefined;
}

export function LogEntry({ row, dataset, ...grips }: Props) {
  const known = new Set(dataset?.fields.map((field) => field.name));
  const fields = Object.entries(row).map(([field, value]): [string, FieldValue] => [
    field,
    known.has(field) && isPlain(value) ? <Handle field={field} value={String(value)} {...grips} /> : shown(value),
  ]);
  return (
    <Stack gap="xs" component="section" aria-label="Log entry">
      <Title order={3} size="h5">
        Entry
      </Title>
      <Fields label="Fields" fields={fields} />
      <Json label="Log entry as JSON" value={row} />
    </Stack>
  );
}

function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value) && value !== "" && value !== "-";
}

function shown(value: unknown): FieldValue {
  if (value === null || value === undefined) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
