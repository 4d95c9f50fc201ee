/** Undo instead of "are you sure": say what was done and offer to take it back for a while, with the button or `z`. */
import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

const SHOWN_MS = 10_000;
const HELD_MS = 6_000;

let latest: (() => void) | undefined;

/** Something was done and can be taken back. */
export function offerUndo(message: string, undo: () => void): void {
  offer(message, SHOWN_MS, undo, () => undefined);
}

/** Do something that cannot be taken back, but only after a while in which it can be called off. */
export function withHeld(message: string, act: () => void, undone: () => void): void {
  offer(message, HELD_MS, undone, act);
}

/** Take back what was done last, as long as that is offered. False: there is nothing. */
export function undoLatest(): boolean {
  const undo = latest;
  undo?.();
  return undo !== undefined;
}

function offer(message: string, shownMs: number, undo: () => void, expire: () => void): void {
  const timer = setTimeout(() => {
    end();
    expire();
  }, shownMs);
  const once = (): void => {
    clearTimeout(timer);
    end();
    undo();
  };
  const end = (): void => {
    notifications.hide(id);
    if (latest === once) latest = undefined;
  };
  latest = once;
  const id = notifications.show({
    autoClose: false,
    withCloseButton: false,
    role: "status",
    message: (
      <Group justify="space-between">
        <Text size="sm">{message}</Text>
        <Button size="xs" variant="default" onClick={once}>
          Undo
        </Button>
      </Group>
    ),
  });
}

/** Say that something was refused, where there is no better place on the page. */
export function showRefusal(what: string, error: Error): void {
  notifications.show({ color: "red", title: what, message: error.message, closeButtonProps: { "aria-label": "Close" } });
}
