/** Which types are there, and how many of each? A chip a type; those pressed are shown. */
import { Button, Group, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { type EventType, eventTypes, typeCounts } from "../../api/events";
import { ends } from "../../ui/moments";
import type { AlertsSearch } from "./search";

interface Props {
  search: AlertsSearch;
  onChange: (types: string[]) => void;
}

export function TypeChips({ search, onChange }: Props) {
  const known = useQuery({ queryKey: ["event-types"], queryFn: eventTypes, staleTime: Infinity });
  const { query, span, from, to, dismissed, excepted } = search;
  const counts = useQuery({
    queryKey: ["events", "types", query, span, from, to, dismissed, excepted],
    queryFn: () => typeCounts({ query, ...ends(search, new Date()), dismissed, excepted }),
    placeholderData: keepPreviousData,
  });
  const chips = chipsOf(known.data ?? [], counts.data ?? {});
  const press = (label: string): void => {
    const isPressed = search.types.includes(label);
    onChange(isPressed ? search.types.filter((other) => other !== label) : [...search.types, label]);
  };
  return (
    <Group gap={6} role="group" aria-label="Type">
      <Text size="sm" component="span">
        Type
      </Text>
      {chips.map(({ label, count }) => {
        const isPressed = search.types.includes(label);
        return (
          <Button
            key={label}
            size="compact-xs"
            radius="xl"
            variant={isPressed ? "filled" : "default"}
            aria-pressed={isPressed}
            aria-label={label}
            rightSection={<span>{count}</span>}
            onClick={() => {
              press(label);
            }}
          >
            {label}
          </Button>
        );
      })}
    </Group>
  );
}

/** Types that have alerts first, most of them first; then the others, so that the filter offers every one. */
function chipsOf(known: EventType[], counts: Record<string, number>): { label: string; count: number }[] {
  return known
    .map(({ label, types }) => ({ label, count: types.reduce((sum, type) => sum + (counts[type] ?? 0), 0) }))
    .sort((left, right) => right.count - left.count);
}
