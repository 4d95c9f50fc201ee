/** How does the console speak to its server? Typed calls to `/v1`, objects of the Kubernetes face, and one error for both. */
import createClient from "openapi-fetch";

import type { paths } from "./generated/v1";

/** What the server answered when it did not do what was asked. `hint` is for the person who asked. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = "",
    readonly offset?: number,
  ) {
    super(message);
  }
}

/** `/v1`, with the types of its OpenAPI document. The session cookie goes along; a refusal is thrown as `Refused`. */
export const v1 = createClient<paths>({ baseUrl: "/v1", credentials: "same-origin" });
v1.use({
  async onResponse({ response }) {
    if (!response.ok) throw await refusal(response);
  },
});

/** What a call answered. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data: found } = await call;
  if (found === undefined) throw new Refused(502, "the answer has no content");
  return found;
}

/** The members that are set, as the parameters of a question. */
export function given<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(kept) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

/** A request to the Kubernetes face, whose documents name schemas but not every path. */
export async function send<T>(path: string, init: { method?: string; json?: unknown; type?: string } = {}): Promise<T> {
  const { method = "GET", json, type = "application/json" } = init;
  const answer = await fetch(path, {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(json === undefined ? {} : { "Content-Type": type }) },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as T;
}

/** Both faces put their words under `message`; a line of text is taken as it is. */
export async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  const fallback = text || answer.statusText || `status ${answer.status}`;
  try {
    const { message, hint, offset } = JSON.parse(text) as { message?: string; hint?: string; offset?: number };
    return new Refused(answer.status, message ?? fallback, hint, offset);
  } catch {
    return new Refused(answer.status, fallback);
  }
}
