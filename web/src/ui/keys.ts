/** Which key does what? Single keys for the page, kept quiet while somebody types or a dialog or menu is open. */
import { useEffect, useRef } from "react";

/** What to do for a key; false leaves it to the browser. */
export type Keys = Record<string, () => unknown>;

const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
const APART = "[role=dialog], [role=menu], [role=listbox]";

/** Listen while mounted. A key is what `KeyboardEvent.key` says; `mod+k` is Ctrl or ⌘ with k, and works everywhere. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      const name = nameOf(event);
      const act = name === undefined ? undefined : latest.current[name];
      if (act === undefined || event.defaultPrevented || (!name?.startsWith("mod+") && isElsewhere(event.target))) return;
      if (act() !== false) event.preventDefault();
    };
    window.addEventListener("keydown", hear);
    return () => {
      window.removeEventListener("keydown", hear);
    };
  }, []);
}

function nameOf(event: KeyboardEvent): string | undefined {
  if (event.altKey) return undefined;
  return event.ctrlKey || event.metaKey ? `mod+${event.key.toLowerCase()}` : event.key;
}

function isElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector("[role=dialog]") !== null) return true;
  return target instanceof Element && (target.matches(TYPING) || target.closest(APART) !== null);
}
