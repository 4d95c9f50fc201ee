/** From what the dialog holds to a new capture. Fields left empty are left out, so that the server's defaults apply. */
import type { NewCapture } from "../../api/captures";
import type { PacketCapture } from "../../api/kube";
import { fieldTime, instant } from "../../ui/moments";

export interface CaptureForm {
  name: string;
  namespace: string;
  selector: string;
  when: "now" | "scheduled";
  /** Local times as the browser's field gives them (`2026-11-22T10:00:00`), or empty. */
  start: string;
  end: string;
  protocol: string | null;
  ports: string[];
}

const DURATION_MINUTES = 15; // as the product's dialog is pre-filled

export function emptyForm(now: Date): CaptureForm {
  const end = fieldTime(new Date(now.getTime() + DURATION_MINUTES * 60_000));
  return { name: "", namespace: "default", selector: "", when: "now", start: fieldTime(now), end, protocol: null, ports: [] };
}

export function captureOf(form: CaptureForm): NewCapture {
  const filter = {
    ...(form.protocol === null ? {} : { protocol: form.protocol }),
    ...(form.ports.length === 0 ? {} : { ports: form.ports.map(port) }),
  };
  return {
    namespace: form.namespace,
    name: form.name,
    ...(form.selector.trim() === "" ? {} : { selector: form.selector.trim() }),
    ...(Object.keys(filter).length === 0 ? {} : { filters: [filter] }),
    ...(form.when === "now" || form.start === "" ? {} : { start: instant(form.start) }),
    ...(form.end === "" ? {} : { end: instant(form.end) }),
  };
}

/** The same as `kubectl apply` would be given it. */
export function manifestOf({ namespace, name, selector, filters, start, end }: NewCapture): PacketCapture {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "PacketCapture",
    metadata: { name, namespace },
    spec: {
      ...(selector === undefined ? {} : { selector }),
      ...(filters === undefined ? {} : { filters: filters as NonNullable<NonNullable<PacketCapture["spec"]>["filters"]> }),
      ...(start ? { startTime: start } : {}),
      ...(end ? { endTime: end } : {}),
    },
  };
}

function port(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}
