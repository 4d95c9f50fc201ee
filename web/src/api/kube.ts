/** Objects of the Kubernetes face that the console lists, makes and changes; their types come from its OpenAPI documents. */
import type { components as Kodkod } from "./generated/kodkod";
import type { components as Calico } from "./generated/projectcalico";
import { send } from "./requests";

type Named = Omit<Calico["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"], "name"> & { name: string };
/** An object as the server gives it: it has a name, whatever the schema leaves open for one that is being made. */
type Stored<Schema> = Omit<Schema, "metadata"> & { metadata: Named };

export type GlobalAlert = Stored<Calico["schemas"]["org.projectcalico.v3.GlobalAlert"]>;
export type GlobalAlertSpec = GlobalAlert["spec"];
export type AlertException = Stored<Calico["schemas"]["org.projectcalico.v3.AlertException"]>;
export type PacketCapture = Stored<Calico["schemas"]["org.projectcalico.v3.PacketCapture"]>;
export type DeepPacketInspection = Stored<Calico["schemas"]["org.projectcalico.v3.DeepPacketInspection"]>;
export type NodeReport = Stored<Kodkod["schemas"]["dev.kodkod.v1alpha1.NodeReport"]>;
export type Namespace = Stored<object>;

/** The verbs of one cluster-wide kind. */
function kind<Item extends { metadata: Named }>(path: string) {
  return {
    list: async () => (await send<{ items: Item[] }>(path)).items,
    create: (json: Item) => send<Item>(path, { method: "POST", json }),
    replace: (json: Item) => send<Item>(`${path}/${json.metadata.name}`, { method: "PUT", json }),
    remove: (name: string) => send(`${path}/${name}`, { method: "DELETE" }),
  };
}

const CALICO = "/apis/projectcalico.org/v3";
export const globalAlerts = kind<GlobalAlert>(`${CALICO}/globalalerts`);
export const globalAlertTemplates = kind<GlobalAlert>(`${CALICO}/globalalerttemplates`);
export const alertExceptions = kind<AlertException>(`${CALICO}/alertexceptions`);
export const deepPacketInspections = kind<DeepPacketInspection>(`${CALICO}/deeppacketinspections`);
export const nodeReports = kind<NodeReport>("/apis/kodkod.dev/v1alpha1/nodereports");
export const namespaces = kind<Namespace>("/api/v1/namespaces");

export function alertManifest(kind: "GlobalAlert" | "GlobalAlertTemplate", name: string, spec: GlobalAlertSpec): GlobalAlert {
  return { apiVersion: "projectcalico.org/v3", kind, metadata: { name }, spec };
}

/** The same object to be made anew: without what the server had written on it. */
export function afresh<Item extends { metadata: Named; status?: unknown }>(item: Item, name = item.metadata.name): Item {
  const { status, ...rest } = item;
  const { namespace, labels, annotations } = item.metadata;
  const metadata = { name, ...(namespace && { namespace }), ...(labels && { labels }), ...(annotations && { annotations }) };
  return { ...rest, metadata } as unknown as Item;
}
