/** Which part of a long list is this? Counts are the server's, not of the page alone. */
import { Button, Group, Text } from "@mantine/core";

interface Props {
  first: number;
  shown: number;
  total: number;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
}

export function Pager({ first, shown, total, onPrevious, onNext }: Props) {
  return (
    <Group gap="xs">
      <Text size="sm" aria-live="polite">
        Showing {shown === 0 ? 0 : first + 1} - {first + shown} of {total} entries
      </Text>
      <Button size="xs" variant="default" disabled={!onPrevious} onClick={() => { onPrevious?.(); }}>
        Prev
      </Button>
      <Button size="xs" variant="default" disabled={!onNext} onClick={() => { onNext?.(); }}>
        Next
      </Button>
    </Group>
  );
}
