/** A table of rows that can be selected, by pointer or keyboard. Knows what a column is, not what a row means. */
import { Checkbox, ScrollArea, Table, UnstyledButton } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useRef } from "react";

export interface Column<Row> {
  title: string;
  /** What the cell shows. */
  show: (row: Row) => ReactNode;
  /** The column whose cell opens the row: a button, so that the keyboard reaches it. */
  opens?: boolean;
  width?: number | string;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  idOf: (row: Row) => string;
  selected?: string | undefined;
  onSelect?: (id: string) => void;
  checked?: ReadonlySet<string>;
  onCheck?: (checked: ReadonlySet<string>) => void;
  /** Shown in place of rows, saying why there are none. */
  empty: ReactNode;
}

export function DataTable<Row>(props: Props<Row>) {
  const { label, columns, rows, idOf, selected, onSelect, checked, onCheck, empty } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const areAllChecked = rows.length > 0 && rows.every((row) => checked?.has(idOf(row)));

  const check = (id: string): void => {
    const next = new Set(checked);
    if (!next.delete(id)) next.add(id);
    onCheck?.(next);
  };
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...(body.current?.querySelectorAll<HTMLButtonElement>("button[data-opens]") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)]?.focus();
    event.preventDefault();
  };

  return (
    <ScrollArea type="auto" offsetScrollbars viewportProps={{ tabIndex: 0, role: "region", "aria-label": label }}>
      <Table highlightOnHover stickyHeader verticalSpacing={4} aria-label={label} onKeyDown={move}>
        <Table.Thead>
          <Table.Tr>
            {onCheck && (
              <Table.Th w={36}>
                <Checkbox
                  aria-label="Select all rows"
                  checked={areAllChecked}
                  onChange={() => {
                    onCheck(new Set(areAllChecked ? [] : rows.map(idOf)));
                  }}
                />
              </Table.Th>
            )}
            {columns.map((column) => (
              <Table.Th key={column.title} w={column.width}>
                {column.title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody ref={body}>
          {rows.length === 0 && (
            <Table.Tr>
              <Table.Td colSpan={columns.length + 1}>{empty}</Table.Td>
            </Table.Tr>
          )}
          {rows.map((row) => {
            const id = idOf(row);
            return (
              <Table.Tr key={id} {...(id === selected ? { bg: "var(--mantine-primary-color-light)" } : {})}>
                {onCheck && (
                  <Table.Td>
                    <Checkbox
                      aria-label={`Select ${id}`}
                      checked={checked?.has(id) ?? false}
                      onChange={() => {
                        check(id);
                      }}
                    />
                  </Table.Td>
                )}
                {columns.map((column) => (
                  <Table.Td key={column.title}>
                    {column.opens && onSelect ? (
                      <UnstyledButton
                        data-opens
                        fz="sm"
                        aria-expanded={id === selected}
                        onClick={() => {
                          onSelect(id);
                        }}
                      >
                        {column.show(row)}
                      </UnstyledButton>
                    ) : (
                      column.show(row)
                    )}
                  </Table.Td>
                ))}
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}
