/** Why did the rule fire? Each option with the bytes that satisfied it. */
import { Code, Table, Text } from "@mantine/core";

export interface Why {
  option: string;
  buffer: string;
  offset: number;
  length: number;
  bytes: string;
}

export function WhyTable({ why }: { why: Why[] }) {
  return (
    <>
      <Text size="sm" fw={500}>
        Why it fired
      </Text>
      <Table aria-label="Why it fired" verticalSpacing={2} fz="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Option</Table.Th>
            <Table.Th>Buffer</Table.Th>
            <Table.Th>At</Table.Th>
            <Table.Th>Bytes</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {why.map((step, index) => (
            <Table.Tr key={index}>
              <Table.Td style={{ wordBreak: "break-all" }}>{step.option}</Table.Td>
              <Table.Td>{step.buffer}</Table.Td>
              <Table.Td>
                {step.offset}+{step.length}
              </Table.Td>
              <Table.Td>
                <Code>{text(step.bytes)}</Code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

/** Hex pairs as text, a dot for what cannot be printed. */
function text(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return pairs
    .map((pair) => Number.parseInt(pair, 16))
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·"))
    .join("");
}
