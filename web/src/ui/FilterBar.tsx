/** Query text and time range above a list; what was typed takes effect with Enter or the button. `/` goes to the query. */
import { ActionIcon, Button, Group, Select, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type ReactNode, useRef, useState } from "react";

import { useKeys } from "./keys";
import { fieldTime, instant, isSpan, type Period, SPANS } from "./moments";

interface Props {
  query: string;
  period: Period;
  placeholder: string;
  onChange: (change: Period & { query: string }) => void;
  /** Further filters of the page, between time and query. */
  children?: ReactNode;
  isFiltered: boolean;
  onClear: () => void;
}

export function FilterBar({ query, period, placeholder, onChange, children, isFiltered, onClear }: Props) {
  const [typed, setTyped] = useState({ query, text: query });
  const { span, from, to } = period;
  const field = useRef<HTMLInputElement>(null);
  const text = typed.query === query ? typed.text : query; // a query that came with the URL replaces what was typed
  useKeys({ "/": () => { field.current?.focus(); } });
  return (
    <form
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ span, from, to, query: text.trim() });
      }}
    >
      <Group gap="xs" align="end" wrap="wrap">
        <Select
          label="Time range"
          size="xs"
          w={150}
          allowDeselect={false}
          data={SPANS.map(({ value, label }) => ({ value, label }))}
          value={span}
          onChange={(value) => {
            if (isSpan(value)) onChange({ query, span: value });
          }}
        />
        {span === "between" && (
          <>
            <Moment label="From" value={from} onChange={(start) => { onChange({ query, span, from: start, to }); }} />
            <Moment label="To" value={to} onChange={(end) => { onChange({ query, span, from, to: end }); }} />
          </>
        )}
        {children}
        <TextInput
          ref={field}
          label="Query"
          size="xs"
          placeholder={placeholder}
          value={text}
          style={{ flex: 1, minWidth: 220 }}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
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

interface MomentProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

function Moment({ label, value, onChange }: MomentProps) {
  return (
    <TextInput
      label={label}
      type="datetime-local"
      step={1}
      size="xs"
      value={fieldTime(value)}
      onChange={(event) => {
        const field = event.currentTarget.value;
        onChange(field === "" ? undefined : instant(field));
      }}
    />
  );
}
