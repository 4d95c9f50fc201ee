/** Objects of the Kubernetes face that the console lists, makes and changes. */
import { Refused, send } from "./requests";

export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  creationTimestamp?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

export interface Resource<Spec, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec: Spec;
  status?: Status;
}

export interface GlobalAlertSpec {
  type?: string;
  summary?: string;
  description: string;
  severity: number;
  dataSet?: string;
  period?: string;
  lookback?: string;
  query?: string;
  aggregateBy?: string[];
  field?: string;
  metric?: string;
  condition?: string;
  threshold?: number;
  substitutions?: { name: string; values: string[] }[];
}

export interface GlobalAlertStatus {
  active: boolean;
  healthy: boolean;
  lastExecuted?: string;
  lastEvent?: string;
  errorConditions?: { type: string; message: string }[];
}

export type GlobalAlert = Resource<GlobalAlertSpec, GlobalAlertStatus>;

export interface FilterRule {
  protocol?: string | number;
  ports?: (string | number)[];
}

export interface PacketCaptureSpec {
  selector?: string;
  filters?: FilterRule[];
  startTime?: string;
  endTime?: string;
}

export interface PacketCaptureStatus {
  files?: { node: string; directory?: string; fileNames?: string[]; state: string; bytes?: number }[];
}

export type PacketCapture = Resource<PacketCaptureSpec, PacketCaptureStatus>;

export interface NodeReport extends Resource<unknown, { observedAt?: string; [field: string]: unknown }> {
  kind: "NodeReport";
}

const CALICO = "/apis/projectcalico.org/v3";

async function list<Item>(path: string): Promise<Item[]> {
  return (await send<{ items: Item[] }>(path)).items;
}

export const globalAlerts = {
  list: () => list<GlobalAlert>(`${CALICO}/globalalerts`),
  templates: () => list<GlobalAlert>(`${CALICO}/globalalerttemplates`),
  create: (name: string, spec: GlobalAlertSpec) =>
    send<GlobalAlert>(`${CALICO}/globalalerts`, { method: "POST", json: alertManifest("GlobalAlert", name, spec) }),
  saveTemplate: (name: string, spec: GlobalAlertSpec) =>
    send<GlobalAlert>(`${CALICO}/globalalerttemplates`, {
      method: "POST",
      json: alertManifest("GlobalAlertTemplate", name, spec),
    }),
  replace: (alert: GlobalAlert) =>
    send<GlobalAlert>(`${CALICO}/globalalerts/${alert.metadata.name}`, { method: "PUT", json: alert }),
  remove: (name: string) => send(`${CALICO}/globalalerts/${name}`, { method: "DELETE" }),
};

export function alertManifest(
  kind: "GlobalAlert" | "GlobalAlertTemplate",
  name: string,
  spec: GlobalAlertSpec,
): GlobalAlert {
  return { apiVersion: "projectcalico.org/v3", kind, metadata: { name }, spec };
}

export const packetCaptures = {
  list: () => list<PacketCapture>(`${CALICO}/packetcaptures`),
  create: (capture: PacketCapture) =>
    send<PacketCapture>(`${CALICO}/namespaces/${capture.metadata.namespace ?? "default"}/packetcaptures`, {
      method: "POST",
      json: capture,
    }),
  /** Merge-patch the window: `endTime` now stops a capture, null fields open it again. */
  window: (namespace: string, name: string, spec: { startTime?: string | null; endTime?: string | null }) =>
    send<PacketCapture>(`${CALICO}/namespaces/${namespace}/packetcaptures/${name}`, {
      method: "PATCH",
      json: { spec },
      headers: { "Content-Type": "application/merge-patch+json" },
    }),
  remove: (namespace: string, name: string) =>
    send(`${CALICO}/namespaces/${namespace}/packetcaptures/${name}`, { method: "DELETE" }),
  downloadPath: (namespace: string, name: string) => `/packet-capture/download/${namespace}/${name}/files.zip`,
  /** Delete the files of a finished capture; the object stays. */
  removeFiles: async (namespace: string, name: string) => {
    const answer = await fetch(`/packet-capture/files/${namespace}/${name}/files.zip`, {
      method: "DELETE",
      credentials: "same-origin",
    });
    if (!answer.ok) throw new Refused(answer.status, await answer.text());
  },
};

export const namespaces = { list: () => list<Resource<unknown>>("/api/v1/namespaces") };
export const nodeReports = { list: () => list<NodeReport>("/apis/kodkod.dev/v1alpha1/nodereports") };

/** One state for a capture on many nodes: the most alarming wins, then the most alive. */
export function foldedState(capture: PacketCapture): string {
  const states = (capture.status?.files ?? []).map((file) => file.state);
  const order = ["Error", "Capturing", "WaitingForTraffic", "Scheduled", "Finished"];
  return order.find((state) => states.includes(state)) ?? "Pending";
}
