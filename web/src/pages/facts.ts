/** What is configured and reported? Gathered only where there is nothing to show, to say why. */
import { useQuery } from "@tanstack/react-query";

import type { Facts } from "../api/absence";
import { deepPacketInspections, globalAlerts, nodeReports } from "../api/kube";
import { type Dataset, datasets } from "../api/logs";

/** undefined until everything that may be read has been. What may not be read counts as none. */
export function useFacts(from: string | undefined): Facts | undefined {
  const reports = useQuery({ queryKey: ["nodereports"], queryFn: nodeReports.list });
  const inspections = useQuery({ queryKey: ["inspections"], queryFn: deepPacketInspections.list });
  const alerts = useQuery({ queryKey: ["globalalerts"], queryFn: globalAlerts.list });
  if (reports.isPending || inspections.isPending || alerts.isPending) return undefined;
  return {
    reports: reports.data ?? [],
    inspections: inspections.data?.length ?? 0,
    alerts: alerts.data?.length ?? 0,
    from: from === undefined ? undefined : new Date(from),
    now: new Date(),
  };
}

export function useDatasets(): Dataset[] {
  return useQuery({ queryKey: ["datasets"], queryFn: datasets, staleTime: Infinity }).data ?? [];
}

export function useDataset(name: string): Dataset | undefined {
  return useDatasets().find((dataset) => dataset.name === name);
}
