/** One capture, node by node, with every file in reach. */
import { Anchor, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { type Capture, captures, filePath } from "../../api/captures";
import { bytes, local } from "../../ui/moments";
import { Problem } from "../../ui/Problem";

export function CaptureDetail({ capture }: { capture: Capture }) {
  return (
    <Stack gap="xs" component="section" aria-label={`Capture ${capture.name}`}>
      <Title order={3} size="h5">
        {capture.namespace}/{capture.name}
      </Title>
      <Table aria-label="Nodes" fz="sm" verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            {["Node", "State", "Interfaces", "Packets", "Dropped", "Bytes", "Oldest packet", "Last report", "Remark"].map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {capture.nodes.length === 0 && (
            <Table.Tr>
              <Table.Td colSpan={9}>{capture.message || "No node reports this capture."}</Table.Td>
            </Table.Tr>
          )}
          {capture.nodes.map((node) => (
            <Table.Tr key={node.node}>
              <Table.Td>{node.node}</Table.Td>
              <Table.Td>{node.state}</Table.Td>
              <Table.Td>{(node.interfaces ?? []).join(", ") || "-"}</Table.Td>
              <Table.Td>{node.packets ?? 0}</Table.Td>
              <Table.Td>{node.dropped ?? 0}</Table.Td>
              <Table.Td>{bytes(node.bytes ?? 0)}</Table.Td>
              <Table.Td>{local(node.oldest_packet_time)}</Table.Td>
              <Table.Td>{local(node.observed_at)}</Table.Td>
              <Table.Td>{node.message ?? node.reason ?? ""}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {capture.files > 0 && capture.may.includes("read_files") && <Files capture={capture} />}
    </Stack>
  );
}

function Files({ capture }: { capture: Capture }) {
  const { namespace, name, files, bytes: size } = capture;
  const list = useQuery({ queryKey: ["captures", "files", namespace, name, files, size], queryFn: () => captures.files({ namespace, name }) });
  if (list.isError) return <Problem error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <>
      <Table aria-label="Files" fz="sm" verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            {["File", "Node", "Size", "State"].map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {(list.data?.items ?? []).map((file) => (
            <Table.Tr key={`${file.node}/${file.id}`}>
              <Table.Td>
                <Anchor size="sm" href={filePath({ namespace, name }, file.node, file.id)} download={file.name}>
                  {file.name}
                </Anchor>
              </Table.Td>
              <Table.Td>{file.node}</Table.Td>
              <Table.Td>{bytes(file.bytes)}</Table.Td>
              <Table.Td>{file.active ? "Being written" : "Closed"}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {(list.data?.unreachable ?? []).length > 0 && (
        <Text size="sm">Not reached, so their files are not listed: {list.data?.unreachable.join(", ")}</Text>
      )}
    </>
  );
}
