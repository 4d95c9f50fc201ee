/** One event whole: the labels users know in their order, the rule that fired, and the record as it was written. */
import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";

import { type SecurityEvent, severityWord, typeLabel } from "../../api/events";
import { Fields, type FieldValue, Json } from "../../ui/Fields";
import { local, utc } from "../../ui/moments";
import { WhyTable, type Why } from "./WhyTable";

interface Props {
  event: SecurityEvent;
  onTriage: (action: "dismiss" | "restore") => void;
  /** Show only events like this one, by a query. */
  onOnly: (query: string) => void;
}

export function EventDetail({ event, onTriage, onOnly }: Props) {
  const rule = ruleOf(event);
  const why = whyOf(event);
  return (
    <Paper withBorder p="sm" component="section" aria-label="Alert details">
      <Stack gap="xs">
        <Title order={3} size="h5">
          {event.name ?? event.description}
        </Title>
        <Text size="sm">{event.description}</Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              onTriage(event.dismissed ? "restore" : "dismiss");
            }}
          >
            {event.dismissed ? "Restore" : "Dismiss"}
          </Button>
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              onOnly(`origin = ${JSON.stringify(event.origin)}`);
            }}
          >
            Only this origin
          </Button>
        </Group>
        <Fields label="Alert fields" fields={fieldsOf(event)} />
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
        <Text size="sm" fw={500}>
          Record
        </Text>
        <Json label="Record" value={event.record ?? {}} />
      </Stack>
    </Paper>
  );
}

/** The fourteen labels of the product's expanded row, in its order, with time and type before them. */
function fieldsOf(event: SecurityEvent): [string, FieldValue][] {
  return [
    ["Time", <time key="time" title={utc(event.time)}>{local(event.time)}</time>],
    ["Type", typeLabel(event.type)],
    ["Severity", `${severityWord(event.severity)} (${event.severity})`],
    ["Origin", event.origin],
    ["Source IP", event.source_ip],
    ["Source port", event.source_port],
    ["Source namespace", event.source_namespace],
    ["Source name", event.source_name],
    ["Source name aggregation", event.source_name_aggr],
    ["Destination IP", event.dest_ip],
    ["Destination port", event.dest_port],
    ["Destination namespace", event.dest_namespace],
    ["Destination name", event.dest_name],
    ["Destination name aggregation", event.dest_name_aggr],
    ["Host", event.host],
  ];
}

function ruleOf(event: SecurityEvent): string | undefined {
  const rule = event.rule ?? event.record?.rule;
  return typeof rule === "string" ? rule : undefined;
}

function whyOf(event: SecurityEvent): Why[] {
  const why = event.why ?? event.record?.why;
  return Array.isArray(why) ? (why as Why[]) : [];
}
