/** One event whole: between whom, why the rule fired, every field under the label users know, and where to look next. */
import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { type EventDetail as Detail, oneEvent, type SecurityEvent } from "../../api/events";
import { Fields, Json } from "../../ui/Fields";
import type { Grips } from "../../ui/Handle";
import { Problem } from "../../ui/Problem";
import { fieldsOf, furtherOf, pathOf, recordOf } from "./fields";
import { WhyTable } from "./WhyTable";

interface Props extends Grips {
  id: string;
  /** The event as the list has it, shown until the whole is here. */
  known: SecurityEvent | undefined;
  onTriage: (action: "dismiss" | "restore") => void;
  onExcept: () => void;
}

export function EventDetail({ id, known, onTriage, onExcept, ...grips }: Props) {
  const whole = useQuery({ queryKey: ["events", "one", id], queryFn: () => oneEvent(id) });
  const event = whole.data ?? known;
  return (
    <Paper withBorder p="sm" component="section" aria-label="Alert details">
      {event === undefined && !whole.isError && <Text size="sm">Loading…</Text>}
      {event === undefined && whole.isError && <Problem error={whole.error} onRetry={() => void whole.refetch()} />}
      {event && (
        <Stack gap="xs">
          <Title order={3} size="h5">
            {event.name ?? event.description}
          </Title>
          <Text size="sm">{event.description}</Text>
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => { onTriage(event.dismissed ? "restore" : "dismiss"); }}>
              {event.dismissed ? "Restore" : "Dismiss"}
            </Button>
            <Button size="xs" variant="default" onClick={onExcept}>
              Add exception
            </Button>
            <Links event={event} links={whole.data?.links ?? {}} />
          </Group>
          <Story event={event} grips={grips} />
        </Stack>
      )}
    </Paper>
  );
}

function Story({ event, grips }: { event: SecurityEvent; grips: Grips }) {
  const { rule, why, facts } = recordOf(event, grips);
  const further = furtherOf(event, grips);
  return (
    <>
      <Text size="sm" aria-label="From and to" role="note">
        {pathOf(event)}
      </Text>
      {rule && (
        <>
          <Text size="sm" fw={500}>
            Rule
          </Text>
          <Text size="xs" ff="monospace" style={{ wordBreak: "break-all" }} data-testid="rule">
            {rule}
          </Text>
        </>
      )}
      {why.length > 0 && <WhyTable why={why} />}
      <Fields label="Alert fields" fields={fieldsOf(event, grips)} />
      {further.length > 0 && <Fields label="Further fields" fields={further} />}
      {facts.length > 0 && <Fields label="Signature" fields={facts} />}
      <Text size="sm" fw={500}>
        Record
      </Text>
      <Json label="Record" value={event.record ?? {}} />
    </>
  );
}

/** Where to look next: what the same endpoints did, and the alert behind the event. */
function Links({ event, links }: { event: SecurityEvent; links: Detail["links"] }) {
  const navigate = useNavigate();
  const logs = (dataset: string, query: string): void => void navigate({ to: "/logs", search: { dataset, query, span: "24h" } });
  const { flows, dns } = links;
  return (
    <>
      {flows && (
        <Button size="xs" variant="default" onClick={() => { logs("flows", flows); }}>
          Related flows
        </Button>
      )}
      {dns && (
        <Button size="xs" variant="default" onClick={() => { logs("dns", dns); }}>
          Related DNS
        </Button>
      )}
      {links.alert && (
        <Button
          size="xs"
          variant="default"
          onClick={() => void navigate({ to: "/settings/alerts", search: { tab: "alerts", selected: event.origin } })}
        >
          Alert definition
        </Button>
      )}
    </>
  );
}
