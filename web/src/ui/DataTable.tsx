/** A table of rows that can be selected, by pointer or keyboard. Knows what a column is, not what a row means. */
import { Checkbox, ScrollArea, Table, UnstyledButton } from "@mantine/core";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";

import { type Keys, useKeys } from "./keys";

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
  /** The row that is opened, or none. */
  onSelect?: (id: string | undefined) => void;
  checked?: ReadonlySet<string>;
  onCheck?: (checked: ReadonlySet<string>) => void;
  /** The page's own keys for the row that has the focus, or is selected. */
  rowKeys?: Record<string, (id: string) => void>;
  /** The name of a row for those who hear it; its id where nothing is said. */
  nameOf?: (row: Row) => string;
  /** Shown in place of rows, saying why there are none. */
  empty: ReactNode;
}

export function DataTable<Row>(props: Props<Row>) {
  const { label, columns, rows, idOf, selected, onSelect, checked, onCheck, nameOf = idOf, empty } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const areAllChecked = rows.length > 0 && rows.every((row) => checked?.has(idOf(row)));

  const check = (id: string): void => {
    const next = new Set(checked);
    if (!next.delete(id)) next.add(id);
    onCheck?.(next);
  };
  useRowKeys(props, body, check);

  return (
    <ScrollArea type="auto" offsetScrollbars viewportProps={{ tabIndex: 0, role: "region", "aria-label": label }}>
      <Table highlightOnHover stickyHeader verticalSpacing={4} aria-label={label}>
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
              <Table.Td colSpan={columns.length + (onCheck ? 1 : 0)}>{empty}</Table.Td>
            </Table.Tr>
          )}
          {rows.map((row) => {
            const id = idOf(row);
            return (
              <Table.Tr key={id} data-row={id} {...(id === selected ? { bg: "var(--mantine-primary-color-light)" } : {})}>
                {onCheck && (
                  <Table.Td>
                    <Checkbox
                      aria-label={`Select ${nameOf(row)}`}
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
                          onSelect(id === selected ? undefined : id);
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

/** j and k, or the arrows inside the table, go from row to row; an open detail goes along. x marks. */
function useRowKeys<Row>(
  { rows, idOf, selected, onSelect, onCheck, rowKeys = {} }: Props<Row>,
  body: RefObject<HTMLTableSectionElement | null>,
  check: (id: string) => void,
): void {
  const last = useRef<{ index: number; id: string }>(undefined);
  const focus = (index: number): void => {
    const row = rows[index];
    if (row === undefined) return;
    body.current?.querySelectorAll<HTMLElement>("[data-opens]")[index]?.focus();
    last.current = { index, id: idOf(row) };
  };
  const current = (): number => {
    const focused = document.activeElement?.closest<HTMLElement>("[data-row]");
    const id = focused && body.current?.contains(focused) ? focused.dataset.row : selected;
    return rows.findIndex((row) => idOf(row) === id);
  };
  const move = (step: number): void => {
    const next = Math.min(Math.max(current() + step, 0), rows.length - 1);
    focus(next);
    const row = rows[next];
    if (selected !== undefined && row !== undefined) onSelect?.(idOf(row));
  };
  const onRow = (act: (id: string) => void): void => {
    const index = current();
    const row = rows[index];
    if (row === undefined) return;
    last.current = { index, id: idOf(row) };
    act(idOf(row));
  };
  const inside = (step: number): boolean => {
    const focused = document.activeElement;
    if (!body.current?.contains(focused)) return false; // the arrows scroll the page
    if (focused?.hasAttribute("aria-haspopup")) return false; // they are the menu's that the button opens
    move(step);
    return true;
  };
  const keys: Keys = {};
  for (const [key, act] of Object.entries(rowKeys)) {
    keys[key] = () => {
      onRow(act);
    };
  }
  if (onSelect !== undefined) {
    keys.j = () => { move(1); };
    keys.k = () => { move(-1); };
    keys.ArrowDown = () => inside(1);
    keys.ArrowUp = () => inside(-1);
  }
  if (onCheck !== undefined) keys.x = () => { onRow(check); };
  useKeys(keys);

  useEffect(() => {
    // The row that had the focus went away with what was done to it: its successor takes over.
    const before = last.current;
    if (before === undefined || rows.length === 0 || document.activeElement !== document.body) return;
    if (!rows.some((row) => idOf(row) === before.id)) focus(Math.min(before.index, rows.length - 1));
  });
}
