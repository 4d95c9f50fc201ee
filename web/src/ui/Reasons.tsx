/** Why is there nothing? Each reason by its name. */
import { List, Text } from "@mantine/core";
import type { ReactNode } from "react";

export interface Reason {
  name: string;
  text: string;
  /** What to do about it. */
  cure?: ReactNode;
}

export function Reasons({ lead, reasons }: { lead: string; reasons: Reason[] }) {
  return (
    <div role="status" aria-label="Why there is nothing">
      <Text size="sm">{lead}</Text>
      <List size="sm" mt={4}>
        {reasons.map(({ name, text, cure }) => (
          <List.Item key={name}>
            <b>{name}:</b> {text} {cure}
          </List.Item>
        ))}
      </List>
    </div>
  );
}
