/** How is a condition written in the query language? */

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** One test of one field. */
export function condition(field: string, operator: "=" | "!=", value: string): string {
  return `${PLAIN_KEY.test(field) ? field : quoted(field)} ${operator} ${quoted(value)}`;
}

/** `query` and one more condition. */
export function narrowed(query: string, field: string, operator: "=" | "!=", value: string): string {
  const typed = query.trim();
  const one = condition(field, operator, value);
  if (typed === "") return one;
  return /\bOR\b/i.test(typed) ? `(${typed}) AND ${one}` : `${typed} AND ${one}`;
}

/** A text as the language writes it. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
