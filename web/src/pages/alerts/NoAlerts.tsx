/** Why is the list of alerts empty? Hidden, not selected, nothing sent, dropped or expired. */
import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { noEvents } from "../../api/absence";
import { searchEvents } from "../../api/events";
import { ends } from "../../ui/moments";
import { type Reason, Reasons } from "../../ui/Reasons";
import { useDataset, useFacts } from "../facts";
import { type AlertsSearch, isFiltered } from "./search";

interface Props {
  search: AlertsSearch;
  isLoading: boolean;
  isRefused: boolean;
  onChange: (part: Partial<AlertsSearch>) => void;
}

export function NoAlerts(props: Props) {
  if (props.isRefused) return <Text size="sm">Nothing to show: the server refused, for the reason above.</Text>;
  if (props.isLoading) return <Text size="sm">Loading…</Text>;
  return <Why {...props} />;
}

function Why({ search, onChange }: Props) {
  const range = ends(search, new Date());
  const facts = useFacts(range.from);
  const dataset = useDataset("events");
  const hidden = useQuery({
    queryKey: ["events", "hidden", search.query, search.span, search.from, search.to],
    queryFn: () => searchEvents({ query: search.query, ...range, dismissed: true, excepted: true, limit: 1 }),
  });
  const reasons: Reason[] = [];
  if ((hidden.data?.total ?? 0) > 0 && !(search.dismissed && search.excepted)) {
    reasons.push({
      name: "Hidden",
      text: `${hidden.data?.total ?? 0} of this time are dismissed, excepted or of another type.`,
      cure: (
        <Anchor component="button" type="button" size="sm" onClick={() => { onChange({ dismissed: true, excepted: true, types: [] }); }}>
          Show them
        </Anchor>
      ),
    });
  }
  if (facts !== undefined) reasons.push(...noEvents(facts, dataset?.retention_days ?? 91));
  return <Reasons lead={isFiltered(search) ? "No alert matches this filter." : "No alerts in this time."} reasons={reasons} />;
}
