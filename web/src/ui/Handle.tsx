/** A value that can be taken hold of: only this, without this, copy. */
import { Menu, UnstyledButton } from "@mantine/core";

export interface Grips {
  onOnly: (field: string, value: string) => void;
  onExclude: (field: string, value: string) => void;
}

interface Props extends Grips {
  /** The name by which the query language knows the value. */
  field: string;
  value: string;
  /** What is shown, where that is not the value itself. */
  shown?: string | undefined;
}

export function Handle({ field, value, shown = value, onOnly, onExclude }: Props) {
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <UnstyledButton fz="sm" style={{ textDecoration: "underline dotted", wordBreak: "break-word" }}>
          {shown}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => { onOnly(field, value); }}>Only this</Menu.Item>
        <Menu.Item onClick={() => { onExclude(field, value); }}>Exclude this</Menu.Item>
        <Menu.Item onClick={() => { void navigator.clipboard.writeText(value); }}>Copy</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
