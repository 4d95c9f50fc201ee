/** Puts the console on the page: theme, data client, router. */
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./ui/colours.css";
import "./ui/focus.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Refused } from "./api/requests";
import { createConsoleRouter } from "./routes";
import { theme } from "./ui/theme";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no element with id root");

// The server pushes what is new (`/v1/stream`), so data is not asked for again on every focus.
// What the server refuses it will refuse again; what did not arrive is asked for once more.
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 1 && !(error instanceof Refused && error.status < 500),
    },
  },
});

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-left" />
      <QueryClientProvider client={queries}>
        <RouterProvider router={createConsoleRouter(queries)} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
