/** From what the dialog holds to a PacketCapture. Fields left empty are left out, so that the server's defaults apply. */
import type { PacketCapture } from "../../api/kube";

export interface CaptureForm {
  name: string;
  namespace: string;
  selector: string;
  /** Local time as the browser's field gives it (`2026-11-22T10:00:00`), or empty. */
  start: string;
  end: string;
  protocol: string | null;
  ports: string[];
}

const DURATION_MINUTES = 15; // as the product's dialog is pre-filled

export function emptyForm(now: Date): CaptureForm {
  const end = new Date(now.getTime() + DURATION_MINUTES * 60_000);
  return { name: "", namespace: "default", selector: "", start: "", end: fieldTime(end), protocol: null, ports: [] };
}

export function captureOf(form: CaptureForm): PacketCapture {
  const filter = {
    ...(form.protocol === null ? {} : { protocol: form.protocol }),
    ...(form.ports.length === 0 ? {} : { ports: form.ports.map(port) }),
  };
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "PacketCapture",
    metadata: { name: form.name, namespace: form.namespace },
    spec: {
      ...(form.selector.trim() === "" ? {} : { selector: form.selector.trim() }),
      ...(Object.keys(filter).length === 0 ? {} : { filters: [filter] }),
      ...(form.start === "" ? {} : { startTime: rfc3339(form.start) }),
      ...(form.end === "" ? {} : { endTime: rfc3339(form.end) }),
    },
  };
}

function port(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** A browser field's local time as RFC 3339 in UTC; what is not a time stays as typed, for the server to refuse. */
function rfc3339(field: string): string {
  const date = new Date(field);
  return Number.isNaN(date.getTime()) ? field : date.toISOString().replace(/\.\d+Z$/, "Z");
}

function fieldTime(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
