/** Colours and sizes. Contrast is AA in both schemes: Mantine's default blue button fails it, so the shade is set here. */
import { createTheme, Menu, ModalHeader } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 9, dark: 9 },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // A dialog's header is an element `header` outside any section, which would make it a second banner of the page.
    ModalHeader: ModalHeader.extend({ defaultProps: { role: "none" } }),
    // The first item takes the focus, instead of an empty element that has no place in a menu.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false, menuItemTabIndex: 0 } }),
  },
});
