/** Undo instead of "are you sure": say what was done and offer to take it back for a while. */
import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

const SHOWN_MS = 10_000;

export function offerUndo(message: string, undo: () => void): void {
  const id = notifications.show({
    autoClose: SHOWN_MS,
    message: (
      <Group justify="space-between">
        <Text size="sm">{message}</Text>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}

/** Say that something was refused, where there is no better place on the page. */
export function showRefusal(what: string, error: Error): void {
  notifications.show({ color: "red", title: what, message: error.message });
}
