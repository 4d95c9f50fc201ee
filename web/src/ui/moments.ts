/** How are times shown? One way everywhere: local, `YYYY-MM-DD HH:MM:SS`, with UTC at hand as a title. */

const two = (value: number): string => String(value).padStart(2, "0");

/** Local time of an instant, to the second. `-` for none. */
export function local(moment: Date | string | number | null | undefined): string {
  const date = asDate(moment);
  if (date === null) return "-";
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The same in UTC, RFC 3339. */
export function utc(moment: Date | string | number | null | undefined): string {
  const date = asDate(moment);
  return date === null ? "" : date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Numbers are unix seconds, as events and logs have them. */
function asDate(moment: Date | string | number | null | undefined): Date | null {
  if (moment === null || moment === undefined || moment === "") return null;
  const date = typeof moment === "number" ? new Date(moment * 1000) : new Date(moment);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Spans offered in every filter bar: URL word, label, seconds back from now (none: no lower end, or both ends given). */
export const SPANS = [
  { value: "15m", label: "Last 15 minutes", seconds: 900 },
  { value: "1h", label: "Last hour", seconds: 3600 },
  { value: "24h", label: "Last 24 hours", seconds: 86_400 },
  { value: "7d", label: "Last 7 days", seconds: 604_800 },
  { value: "all", label: "All time", seconds: null },
  { value: "between", label: "From … to …", seconds: null },
] as const;

export type Span = (typeof SPANS)[number]["value"];

/** A time range as the URL holds it: `from` and `to` (RFC 3339) only with the span `between`. */
export interface Period {
  span: Span;
  from?: string | undefined;
  to?: string | undefined;
}

/** The period of an address; what is no period there is the page's usual span. */
export function periodOf(raw: Partial<Record<keyof Period, unknown>>, usual: Span): Period {
  if (!isSpan(raw.span)) return { span: usual };
  if (raw.span !== "between") return { span: raw.span };
  return { span: raw.span, ...(isTime(raw.from) && { from: raw.from }), ...(isTime(raw.to) && { to: raw.to }) };
}

export function isSpan(value: unknown): value is Span {
  return SPANS.some((span) => span.value === value);
}

function isTime(value: unknown): value is string {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

/** Both ends of a period, RFC 3339; an end that is not there is left out. */
export function ends({ span, from, to }: Period, now: Date): { from?: string; to?: string } {
  if (span === "between") return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const seconds = SPANS.find((entry) => entry.value === span)?.seconds ?? null;
  return seconds === null ? {} : { from: new Date(now.getTime() - seconds * 1000).toISOString() };
}

/** What a `datetime-local` field shows for an instant, and "" for none. */
export function fieldTime(moment: Date | string | undefined): string {
  const date = asDate(moment);
  if (date === null) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** A field's local time as RFC 3339 in UTC; what is not a time stays as typed, for the server to refuse. */
export function instant(field: string): string {
  const date = new Date(field);
  return Number.isNaN(date.getTime()) ? field : date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Bytes for people: `1.2 MB`. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let index = 0;
  while (value >= 1000 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return `${index === 0 ? value : value.toFixed(1)} ${units[index] ?? ""}`;
}
