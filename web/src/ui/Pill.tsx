/** A word on a coloured ground; the colour repeats the word. White on each ground has a contrast of at least 5.5 : 1. */
import { Badge } from "@mantine/core";

export const TONES = {
  good: "#1b6e2e",
  bad: "#b01e1e",
  warning: "#8f4a00",
  info: "#1864ab",
  planned: "#5f3dc4",
  neutral: "#495057",
} as const;

export type Tone = keyof typeof TONES;

export function Pill({ tone, children }: { tone: Tone; children: string }) {
  return (
    <Badge color={TONES[tone]} variant="filled" radius="sm" miw="fit-content" style={{ textTransform: "none" }}>
      {children}
    </Badge>
  );
}
