/** Who is using the console? A session begins with a login link or with a token, and ends by itself. */
import { data, Refused, v1 } from "./requests";

/** Trade a bearer token for a session cookie; the token itself is kept nowhere. */
export function signIn(token: string) {
  return data(v1.POST("/session", { headers: { Authorization: `Bearer ${token.trim()}` } }));
}

export function signOut() {
  return data(v1.DELETE("/session"));
}

/** The name under which the console sees what it sees. */
export async function whoami(): Promise<string> {
  return (await data(v1.GET("/session"))).name;
}

/** Whether an error says that nobody is signed in. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof Refused && error.status === 401;
}
