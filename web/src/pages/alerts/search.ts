/** What does the address of the alerts page say? */
import type { SearchSchemaInput } from "@tanstack/react-router";

import { type Period, periodOf } from "../../ui/moments";

export interface AlertsSearch extends Period {
  query: string;
  types: string[];
  dismissed: boolean;
  excepted: boolean;
  selected?: string;
  /** Whether an exception is being made of the selected alert. */
  except?: boolean;
}

export const USUAL_SPAN = "24h";
export const UNFILTERED = { query: "", span: USUAL_SPAN, types: [], dismissed: false, excepted: false } satisfies AlertsSearch;

export function alertsSearch(raw: Partial<Record<keyof AlertsSearch, unknown>> & SearchSchemaInput): AlertsSearch {
  return {
    query: typeof raw.query === "string" ? raw.query : "",
    ...periodOf(raw, USUAL_SPAN),
    types: Array.isArray(raw.types) ? raw.types.filter((type) => typeof type === "string") : [],
    dismissed: raw.dismissed === true,
    excepted: raw.excepted === true,
    ...(typeof raw.selected === "string" ? { selected: raw.selected } : {}),
    ...(raw.except === true ? { except: true } : {}),
  };
}

export function isFiltered({ query, span, types, dismissed, excepted }: AlertsSearch): boolean {
  return query !== "" || types.length > 0 || dismissed || excepted || span !== USUAL_SPAN;
}
