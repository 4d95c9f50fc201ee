/** What is new? The server pushes hints over one event stream; a hint only says which data to ask for again. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import type { components } from "./generated/v1";

/** The data (query keys) that a change of a kind makes stale. */
const STALE: Record<string, string[]> = {
  packetcaptures: ["captures"],
  nodereports: ["nodereports"],
  globalalerts: ["globalalerts"],
  globalalerttemplates: ["globalalerts"],
  alertexceptions: ["exceptions", "events"],
  deeppacketinspections: ["inspections"],
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
    source.addEventListener("event", () => {
      invalidate(queries, ["events", "logs"]);
    });
    source.addEventListener("resource", (message: MessageEvent<string>) => {
      const { kind } = JSON.parse(message.data) as components["schemas"]["ResourceHint"];
      invalidate(queries, STALE[kind] ?? []);
    });
    return () => {
      source.close();
    };
  }, [queries]);
  return isConnected;
}

function invalidate(queries: QueryClient, keys: string[]): void {
  for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
}
