/** Captures: which packets are recorded, and what became of them. */
import type { components } from "./generated/v1";
import { data, v1 } from "./requests";

type Schemas = components["schemas"];
export type Capture = Schemas["CaptureBody"];
export type CaptureState = Capture["state"];
export type NewCapture = Schemas["NewCapture"];
export type CaptureAction = Capture["may"][number];
export type CaptureFiles = Schemas["FileList"];

interface Key {
  namespace: string;
  name: string;
}

export const captures = {
  list: async () => (await data(v1.GET("/captures"))).items,
  create: (body: NewCapture) => data(v1.POST("/captures", { body })),
  stop: (path: Key) => data(v1.POST("/captures/{namespace}/{name}/stop", { params: { path } })),
  run: (path: Key) => data(v1.POST("/captures/{namespace}/{name}/run", { params: { path } })),
  remove: (path: Key) => data(v1.DELETE("/captures/{namespace}/{name}", { params: { path } })),
  files: (path: Key) => data(v1.GET("/captures/{namespace}/{name}/files", { params: { path } })),
  /** Delete the files of a finished capture; the object stays. */
  removeFiles: (path: Key) => data(v1.DELETE("/captures/{namespace}/{name}/files", { params: { path } })),
};

/** Where the browser fetches every file in one zip. */
export function zipPath({ namespace, name }: Key): string {
  return `/v1/captures/${namespace}/${name}/files.zip`;
}

/** Where the browser fetches one file, whatever it is called by then. */
export function filePath({ namespace, name }: Key, node: string, id: string): string {
  return `/v1/captures/${namespace}/${name}/files/${encodeURIComponent(node)}/${encodeURIComponent(id)}`;
}
