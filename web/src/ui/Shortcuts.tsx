/** Which keys are there? Shown with `?`. */
import { Kbd, Modal, Table } from "@mantine/core";

export interface Shortcut {
  keys: string[];
  does: string;
}

interface Props {
  isOpen: boolean;
  onClose: () => void;
  shortcuts: Shortcut[];
}

export function Shortcuts({ isOpen, onClose, shortcuts }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Keyboard shortcuts" closeButtonProps={{ "aria-label": "Close" }}>
      <Table aria-label="Keyboard shortcuts" verticalSpacing={4} withRowBorders={false}>
        <Table.Tbody>
          {shortcuts.map(({ keys, does }) => (
            <Table.Tr key={does}>
              <Table.Td w={120}>
                {keys.map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
