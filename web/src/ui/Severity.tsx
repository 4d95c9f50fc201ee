/** Severity as word and number. */
import { Pill, type Tone } from "./Pill";

const TONE_OF = { Critical: "bad", High: "warning", Medium: "info", Low: "neutral" } as const satisfies Record<string, Tone>;

export function Severity({ word, number }: { word: keyof typeof TONE_OF; number: number }) {
  return <Pill tone={TONE_OF[word]}>{`${word} ${number}`}</Pill>;
}
