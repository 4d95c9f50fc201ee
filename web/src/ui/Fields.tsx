/** A list of labels with their values: `N/A` for what is absent, `-` stays a dash. */
import { Code, Table } from "@mantine/core";
import type { ReactNode } from "react";

export type FieldValue = ReactNode;

export function Fields({ label, fields }: { label: string; fields: [string, FieldValue][] }) {
  return (
    <Table aria-label={label} verticalSpacing={2} withRowBorders={false}>
      <Table.Tbody>
        {fields.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={200} scope="row">
              {name}
            </Table.Th>
            <Table.Td style={{ wordBreak: "break-word" }}>{shown(value)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function shown(value: FieldValue): ReactNode {
  if (value === null || value === undefined || value === "") return "N/A";
  return typeof value === "boolean" ? String(value) : value;
}

/** Any value as JSON, four spaces, keys in alphabetical order. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <Code block aria-label={label} tabIndex={0}>
      {JSON.stringify(sorted(value), null, 4)}
    </Code>
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
