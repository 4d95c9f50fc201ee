/** What can be done with a capture? What cannot be done now is disabled and says why. */
import { Anchor, Button, Group, Menu, Text } from "@mantine/core";

import { type Capture, type CaptureAction, captures, zipPath } from "../../api/captures";

interface Props {
  capture: Capture;
  act: (what: string, action: () => Promise<unknown>) => Promise<void>;
  onDelete: () => void;
}

export function RowMenu({ capture, act, onDelete }: Props) {
  const { name, state, files } = capture;
  const isRunning = state === "Capturing" || state === "WaitingForTraffic";
  const isOver = state === "Finished";
  return (
    <Group gap="xs" wrap="nowrap">
      <Download capture={capture} />
      <Menu>
        <Menu.Target>
          <Button size="compact-xs" variant="default" aria-label={`Actions for ${name}`}>
            Actions
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Deed
            why={refused(capture, "change") ?? (isOver ? "It has finished" : undefined)}
            onDo={() => void act("Could not stop", () => captures.stop(capture))}
          >
            Stop
          </Deed>
          <Deed
            why={refused(capture, "change") ?? (isRunning ? "It is running" : undefined)}
            onDo={() => void act("Could not run", () => captures.run(capture))}
          >
            Run now
          </Deed>
          <Deed why={refused(capture, "delete")} onDo={onDelete}>
            Delete job
          </Deed>
          <Deed
            why={refused(capture, "delete_files") ?? (isOver ? undefined : "Once the job is Finished") ?? (files === 0 ? "No files" : undefined)}
            onDo={() => void act("Could not delete the files", () => captures.removeFiles(capture))}
          >
            Delete captures
          </Deed>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function Download({ capture }: { capture: Capture }) {
  const why = refused(capture, "read_files") ?? (capture.files === 0 ? "No files" : undefined);
  if (why !== undefined) return <Text size="sm">{why}</Text>;
  return (
    <Anchor size="sm" href={zipPath(capture)} download={`${capture.namespace}_${capture.name}.zip`} aria-label={`Download ${capture.name}`}>
      Download
    </Anchor>
  );
}

function Deed({ why, onDo, children }: { why: string | undefined; onDo: () => void; children: string }) {
  return (
    // Not the element's own `disabled`: the menu would give such an item its focus, which goes nowhere.
    <Menu.Item {...(why === undefined ? { onClick: onDo } : { "data-disabled": true })}>
      {children}
      {why !== undefined && (
        <Text size="xs" component="span" ml={6}>
          {why}
        </Text>
      )}
    </Menu.Item>
  );
}

function refused({ may }: Capture, action: CaptureAction): string | undefined {
  return may.includes(action) ? undefined : "No permission";
}
