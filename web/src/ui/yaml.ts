/** Plain objects as YAML. Text that YAML could read as something else is quoted (JSON strings are YAML strings). */

const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

export function yaml(value: unknown): string {
  return block(value, "");
}

function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value.map((item) => `${indent}- ${nested(item, `${indent}  `).trimStart()}`).join("");
  }
  return Object.entries(value as Record<string, unknown>)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${indent}${scalar(key)}:${isBlock(item) ? `\n${block(item, `${indent}  `)}` : ` ${flow(item)}\n`}`)
    .join("");
}

function nested(item: unknown, indent: string): string {
  return isBlock(item) ? block(item, indent) : `${flow(item)}\n`;
}

function isBlock(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).length > 0;
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return "[]";
  if (typeof value === "object" && value !== null) return "{}";
  return typeof value === "string" ? scalar(value) : JSON.stringify(value);
}

function scalar(text: string): string {
  return PLAIN.test(text) && !WORDS.has(text.toLowerCase()) ? text : JSON.stringify(text);
}
