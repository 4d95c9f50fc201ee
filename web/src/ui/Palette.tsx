/** Where to, by a few letters? Places and deeds of the console, opened with ⌘K or Ctrl+K. */
import { Modal, Text, TextInput, UnstyledButton } from "@mantine/core";
import { type KeyboardEvent, useState } from "react";

export interface Deed {
  label: string;
  run: () => void;
}

interface Props {
  isOpen: boolean;
  onClose: () => void;
  deeds: Deed[];
  /** What else the typed text could mean, such as a search for it. */
  meanings: (text: string) => Deed[];
}

export function Palette({ isOpen, onClose, ...rest }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Go to or do" closeButtonProps={{ "aria-label": "Close" }}>
      {isOpen && <Chooser onClose={onClose} {...rest} />}
    </Modal>
  );
}

function Chooser({ onClose, deeds, meanings }: Omit<Props, "isOpen">) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = deeds.filter((deed) => words.every((word) => deed.label.toLowerCase().includes(word)));
  const shown = text.trim() === "" ? found : [...found, ...meanings(text.trim())];
  const current = Math.min(at, shown.length - 1);
  const choose = (deed: Deed | undefined): void => {
    if (deed === undefined) return;
    onClose();
    deed.run();
  };
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") choose(shown[current]);
    else if (step !== undefined && shown.length > 0) setAt((current + step + shown.length) % shown.length);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <TextInput
        aria-label="Go to or do"
        role="combobox"
        aria-expanded
        aria-controls="palette"
        {...(shown.length > 0 ? { "aria-activedescendant": `palette-${current}` } : {})}
        data-autofocus
        placeholder="A page, or something to do"
        value={text}
        onKeyDown={move}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
      />
      {shown.length === 0 && (
        <Text size="sm" mt="xs">
          Nothing of this name
        </Text>
      )}
      <div id="palette" role="listbox" aria-label="Matches" style={{ marginTop: 8 }}>
        {shown.map((deed, index) => (
          <UnstyledButton
            key={deed.label}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === current}
            tabIndex={-1}
            display="block"
            w="100%"
            p={6}
            fz="sm"
            {...(index === current ? { bg: "var(--mantine-primary-color-light)" } : {})}
            onClick={() => {
              choose(deed);
            }}
          >
            {deed.label}
          </UnstyledButton>
        ))}
      </div>
    </>
  );
}
