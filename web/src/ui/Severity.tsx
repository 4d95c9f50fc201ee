/** Severity as word and number; colour repeats the word, it never stands alone. */
import { Badge } from "@mantine/core";

const COLORS = { Critical: "red.9", High: "orange.9", Medium: "yellow.9", Low: "gray.7" } as const;

export function Severity({ word, number }: { word: keyof typeof COLORS; number: number }) {
  return (
    <Badge color={COLORS[word]} variant="filled" radius="sm" style={{ textTransform: "none" }} autoContrast={false}>
      {word} {number}
    </Badge>
  );
}
