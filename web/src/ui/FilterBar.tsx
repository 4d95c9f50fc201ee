/** Query text and time span above a list; what was typed takes effect with Enter or the button. */
import { ActionIcon, Button, Group, Select, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

import { isSpan, type Span, SPANS } from "./moments";

interface Props {
  query: string;
  span: Span;
  placeholder: string;
  onChange: (change: { query: string; span: Span }) => void;
  /** Further filters of the page, between span and query. */
  children?: ReactNode;
  isFiltered: boolean;
  onClear: () => void;
}

export function FilterBar({ query, span, placeholder, onChange, children, isFiltered, onClear }: Props) {
  const [typed, setTyped] = useState({ query, text: query });
  const text = typed.query === query ? typed.text : query; // a query that came with the URL replaces what was typed
  return (
    <form
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ query: text.trim(), span });
      }}
    >
      <Group gap="xs" align="end" wrap="wrap">
        <Select
          label="Time range"
          size="xs"
          w={160}
          allowDeselect={false}
          data={SPANS.map(({ value, label }) => ({ value, label }))}
          value={span}
          onChange={(value) => {
            if (isSpan(value)) onChange({ query, span: value });
          }}
        />
        {children}
        <TextInput
          label="Query"
          size="xs"
          placeholder={placeholder}
          value={text}
          style={{ flex: 1, minWidth: 220 }}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          onChange={(event) => {
            setTyped({ query, text: event.currentTarget.value });
          }}
        />
        <Button type="submit" size="xs">
          Filter
        </Button>
        <ActionIcon
          variant="default"
          size={30}
          aria-label="Clear filter"
          disabled={!isFiltered && text === ""}
          onClick={() => {
            setTyped({ query, text: "" });
            onClear();
          }}
        >
          <IconX size={16} />
        </ActionIcon>
      </Group>
    </form>
  );
}
