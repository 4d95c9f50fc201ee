/** How does the console speak to its server? One function for both faces (`/v1` and the Kubernetes face), one error. */

/** What the server answered when it did not do what was asked. `hint` is for the person who asked. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }
}

interface Problem {
  message?: string;
  detail?: string | { msg?: string }[];
  hint?: string;
}

/** Send a request and read JSON. The session cookie goes along; a refusal becomes `Refused` with the server's words. */
export async function send<T>(path: string, init: RequestInit & { json?: unknown } = {}): Promise<T> {
  const { json, ...rest } = init;
  const headers = new Headers(rest.headers);
  headers.set("Accept", "application/json");
  if (json !== undefined && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const answer = await fetch(path, {
    ...rest,
    headers,
    credentials: "same-origin",
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as T;
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  const fallback = text || answer.statusText || `status ${answer.status}`;
  try {
    const problem = JSON.parse(text) as Problem;
    const detail = typeof problem.detail === "string" ? problem.detail : problem.detail?.[0]?.msg;
    return new Refused(answer.status, problem.message ?? detail ?? fallback, problem.hint);
  } catch {
    return new Refused(answer.status, fallback);
  }
}

/** A query string of what is set; lists become repeated parameters. */
export function parameters(values: Record<string, string | number | boolean | string[] | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === "" || value === false) continue;
    for (const one of Array.isArray(value) ? value : [String(value)]) search.append(name, one);
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
