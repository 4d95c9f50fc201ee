/** From what the dialog holds to an AlertException. */
import type { AlertException } from "../../api/kube";
import { instant } from "../../ui/moments";

export interface ExceptionForm {
  name: string;
  reason: string;
  selector: string;
  end: End;
  /** Local time as the browser's field gives it, with the end `at`. */
  endAt: string;
}

export const ENDS = [
  { value: "1d", label: "After a day", days: 1 },
  { value: "7d", label: "After 7 days", days: 7 },
  { value: "30d", label: "After 30 days", days: 30 },
  { value: "at", label: "At a time", days: null },
  { value: "never", label: "Never", days: null },
] as const;
export type End = (typeof ENDS)[number]["value"];

const DAY_MS = 86_400_000;

export function emptyForm(now: Date, selector: string): ExceptionForm {
  return { name: `exception-${Math.floor(now.getTime() / 1000).toString(36)}`, reason: "", selector, end: "7d", endAt: "" };
}

export function exceptionOf(form: ExceptionForm, now: Date): AlertException {
  const endTime = endOf(form, now);
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "AlertException",
    metadata: { name: form.name },
    spec: {
      description: form.reason,
      selector: form.selector.trim(),
      startTime: instant(now.toISOString()),
      ...(endTime === undefined ? {} : { endTime }),
    },
  };
}

function endOf({ end, endAt }: ExceptionForm, now: Date): string | undefined {
  if (end === "at") return endAt === "" ? undefined : instant(endAt);
  const days = ENDS.find((entry) => entry.value === end)?.days ?? null;
  return days === null ? undefined : instant(new Date(now.getTime() + days * DAY_MS).toISOString());
}

/** Whether it hides anything now, will, or did. */
export function stateOf({ spec }: AlertException, now: Date): "In force" | "Planned" | "Ended" {
  if (new Date(spec.startTime) > now) return "Planned";
  return spec.endTime !== undefined && new Date(spec.endTime) <= now ? "Ended" : "In force";
}
