/** Is all well? The stream to the server and what each node last reported, always in sight. */
import { Box, Group, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { nodeReports } from "../api/kube";
import { useLive } from "../api/live";
import { local } from "../ui/moments";
import { Pill } from "../ui/Pill";

const REFRESH_MS = 10_000;
const STALE_MS = 60_000; // a node reports at least every ten seconds when something changes

export function Health() {
  const isLive = useLive();
  const reports = useQuery({ queryKey: ["nodereports"], queryFn: nodeReports.list, refetchInterval: REFRESH_MS });
  const silent = (reports.data ?? []).filter((report) => isStale(report.status?.observedAt, reports.dataUpdatedAt));
  const nodes = reports.data?.length ?? 0;
  return (
    <Group gap="xs" role="status" aria-label="Health">
      <Pill tone={isLive ? "good" : "bad"}>{isLive ? "Live" : "Reconnecting"}</Pill>
      <Tooltip
        label={
          silent.length === 0
            ? "Every agent and inspector reported within the last minute"
            : silent.map((report) => `${report.metadata.name}: ${local(report.status?.observedAt)}`).join("; ")
        }
      >
        <Box>
          <Pill tone={nodes === 0 || silent.length > 0 ? "warning" : "good"}>
            {`${nodes - silent.length}/${nodes} reporting`}
          </Pill>
        </Box>
      </Tooltip>
    </Group>
  );
}

function isStale(observedAt: string | undefined, now: number): boolean {
  return observedAt === undefined || now - new Date(observedAt).getTime() > STALE_MS;
}
