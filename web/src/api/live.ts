/** What is new? The server pushes hints over one event stream; a hint only says which data to ask for again. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

/** Names of the stream's messages and the data (query keys) they make stale. */
const STALE: Record<string, string[][]> = {
  event: [["events"], ["logs", "events"]],
  resource: [["globalalerts"], ["captures"], ["nodereports"]],
};

/** Keep one stream open while the console is; true while it is connected. */
export function useLive(): boolean {
  const queries = useQueryClient();
  const [isConnected, setConnected] = useState(false);
  useEffect(() => {
    const source = new EventSource("/v1/stream");
    source.onopen = () => {
      setConnected(true);
    };
    source.onerror = () => {
      setConnected(false); // the browser connects again by itself
    };
    for (const name of Object.keys(STALE)) {
      source.addEventListener(name, () => {
        invalidate(queries, name);
      });
    }
    return () => {
      source.close();
    };
  }, [queries]);
  return isConnected;
}

function invalidate(queries: QueryClient, name: string): void {
  for (const queryKey of STALE[name] ?? []) void queries.invalidateQueries({ queryKey });
}
