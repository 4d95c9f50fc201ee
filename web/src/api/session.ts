/** Who is using the console? A session begins with a login link or with a token, and ends by itself. */
import { refusal, Refused } from "./requests";

const SESSION = "/v1/session";

/** Trade a bearer token for a session cookie; the token itself is kept nowhere. */
export async function signIn(token: string): Promise<void> {
  const answer = await fetch(SESSION, {
    method: "POST",
    credentials: "same-origin",
    headers: { Authorization: `Bearer ${token.trim()}` },
  });
  if (!answer.ok) throw await refusal(answer);
}

export async function signOut(): Promise<void> {
  const answer = await fetch(SESSION, { method: "DELETE", credentials: "same-origin" });
  if (!answer.ok) throw await refusal(answer);
}

/** Whether an error says that nobody is signed in. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof Refused && error.status === 401;
}
