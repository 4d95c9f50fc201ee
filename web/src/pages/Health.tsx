/** Is all well? The stream to the server, what each process last reported, what was lost; always in sight. */
import { Popover, Table, Text, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { drops } from "../api/absence";
import { type NodeReport, nodeReports } from "../api/kube";
import { useLive } from "../api/live";
import { bytes, local } from "../ui/moments";
import { Pill } from "../ui/Pill";

const REFRESH_MS = 10_000;
const STALE_MS = 90_000; // at rest a process reports once a minute

export function Health() {
  const isLive = useLive();
  const list = useQuery({ queryKey: ["nodereports"], queryFn: nodeReports.list, refetchInterval: REFRESH_MS });
  const reports = list.data ?? [];
  const silent = reports.filter((report) => isStale(report, list.dataUpdatedAt));
  const lost = reports.reduce((total, report) => total + drops(report), 0);
  const isWell = reports.length > 0 && silent.length === 0 && reports.every((report) => report.status?.ready === true);
  return (
    <Popover width={640} position="bottom-end" withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton aria-label="Health" style={{ display: "flex", gap: 8 }}>
          <Pill tone={isLive ? "good" : "bad"}>{isLive ? "Live" : "Reconnecting"}</Pill>
          <Pill tone={list.isError ? "neutral" : isWell ? "good" : "warning"}>
            {list.isError ? "Health not known" : `${reports.length - silent.length}/${reports.length} reporting`}
          </Pill>
          {lost > 0 && <Pill tone="warning">{`${lost} dropped`}</Pill>}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        {list.isError && <Text size="sm">{list.error.message}</Text>}
        {!list.isError && reports.length === 0 && (
          <Text size="sm">No agent and no inspector reports to this server: nothing is captured, inspected or logged.</Text>
        )}
        {reports.length > 0 && <Processes reports={reports} now={list.dataUpdatedAt} />}
      </Popover.Dropdown>
    </Popover>
  );
}

function Processes({ reports, now }: { reports: NodeReport[]; now: number }) {
  return (
    <Table aria-label="Processes" fz="xs" verticalSpacing={2}>
      <Table.Thead>
        <Table.Tr>
          {["Node", "Role", "State", "Workloads", "Packets", "Dropped", "Free for captures", "Last report"].map((title) => (
            <Table.Th key={title}>{title}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {reports.map((report) => (
          <Table.Tr key={report.metadata.name}>
            <Table.Td>{report.spec.node}</Table.Td>
            <Table.Td>{report.spec.role}</Table.Td>
            <Table.Td>{stateOf(report, now)}</Table.Td>
            <Table.Td>{report.status?.endpoints ?? 0}</Table.Td>
            <Table.Td>{report.status?.packets ?? 0}</Table.Td>
            <Table.Td>{drops(report)}</Table.Td>
            <Table.Td>{report.status?.disk ? bytes(report.status.disk.freeBytes ?? 0) : "-"}</Table.Td>
            <Table.Td>{local(report.status?.observedAt)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function stateOf(report: NodeReport, now: number): string {
  if (isStale(report, now)) return "Silent";
  return report.status?.ready === true ? "Ready" : "Not ready";
}

function isStale({ status }: NodeReport, now: number): boolean {
  return status?.observedAt === undefined || now - new Date(status.observedAt).getTime() > STALE_MS;
}
