/** Colours and sizes. Contrast is AA in both schemes: Mantine's default blue button fails it, so the shade is set here. */
import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 9, dark: 9 },
  defaultRadius: "sm",
  cursorType: "pointer",
});
