/** Which address shows which page? Addresses are API: filters, time range and selection live in them. */
import { Text } from "@mantine/core";
import { IconBell, IconBellOff, IconDeviceFloppy, IconFileSearch } from "@tabler/icons-react";
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createRootRoute, createRoute, createRouter, Outlet, redirect, useLocation, useNavigate } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";

import { isSignedOut, signOut, whoami } from "./api/session";
import { AlertsPage } from "./pages/alerts/AlertsPage";
import { alertsSearch } from "./pages/alerts/search";
import { CapturesPage, capturesSearch } from "./pages/captures/CapturesPage";
import { ExceptionsPage, exceptionsSearch } from "./pages/exceptions/ExceptionsPage";
import { Health } from "./pages/Health";
import { LogsPage, logsSearch } from "./pages/logs/LogsPage";
import { AlertsConfigurationPage, configurationSearch } from "./pages/settings/AlertsConfigurationPage";
import { SignIn } from "./pages/SignIn";
import { useKeys } from "./ui/keys";
import type { Deed } from "./ui/Palette";
import { Shell } from "./ui/Shell";
import type { Shortcut } from "./ui/Shortcuts";
import { undoLatest } from "./ui/undo";

const PLACES = [
  { label: "Alerts", path: "/alerts", icon: <IconBell size={16} /> },
  { label: "Captures", path: "/captures", icon: <IconDeviceFloppy size={16} /> },
  { label: "Logs", path: "/logs", icon: <IconFileSearch size={16} /> },
  { label: "Exceptions", path: "/settings/exceptions", icon: <IconBellOff size={16} /> },
];

const SHORTCUTS: Shortcut[] = [
  { keys: ["j", "k"], does: "Next row, previous row; an open detail goes along" },
  { keys: ["Enter"], does: "Open or close the row" },
  { keys: ["x"], does: "Mark the alert" },
  { keys: ["e"], does: "Dismiss the marked alerts, or this one" },
  { keys: ["s"], does: "Silence: make an exception of this alert" },
  { keys: ["z"], does: "Undo what was done last" },
  { keys: ["n"], does: "New: a capture, an exception, an alert from a template" },
  { keys: ["/"], does: "Go to the query" },
  { keys: ["Esc"], does: "Close the detail or the dialog" },
  { keys: ["Ctrl K", "⌘ K"], does: "Go to a page or do something, by name" },
  { keys: ["?"], does: "This list" },
];

function Root() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { pathname } = useLocation();
  const isOut = useSignedOut(queries);
  useKeys({ z: undoLatest });
  const go = (to: string): void => void navigate({ to });
  const deeds: Deed[] = [
    ...PLACES.map(({ label, path }) => ({ label: `Go to ${label}`, run: () => { go(path); } })),
    { label: "Go to Alerts configuration", run: () => { go("/settings/alerts"); } },
    { label: "New capture", run: () => void navigate({ to: "/captures", search: { create: true } }) },
    { label: "New alert from a template", run: () => void navigate({ to: "/settings/alerts", search: { make: "template" } }) },
    { label: "New blank alert", run: () => void navigate({ to: "/settings/alerts", search: { make: "blank" } }) },
    { label: "New exception", run: () => void navigate({ to: "/settings/exceptions", search: { create: true } }) },
    { label: "Sign out", run: () => void signOut().then(() => queries.resetQueries()) },
  ];
  const meanings = (text: string): Deed[] => [
    { label: `Search alerts: ${text}`, run: () => void navigate({ to: "/alerts", search: { query: text } }) },
    { label: `Search flows: ${text}`, run: () => void navigate({ to: "/logs", search: { dataset: "flows", query: text } }) },
  ];
  return (
    <Shell
      places={PLACES}
      current={pathname}
      onGo={go}
      deeds={deeds}
      meanings={meanings}
      shortcuts={SHORTCUTS}
      health={isOut ? null : <Health />}
      who={isOut ? null : <Who />}
    >
      {isOut ? <SignIn onSignedIn={() => void queries.resetQueries()} /> : <Outlet />}
    </Shell>
  );
}

function Who() {
  const name = useQuery({ queryKey: ["session"], queryFn: whoami, staleTime: Infinity });
  return (
    <Text size="xs" style={{ wordBreak: "break-all" }}>
      {name.data}
    </Text>
  );
}

/** Whether an answer so far says that nobody is signed in; asking again after signing in clears it. */
function useSignedOut(queries: QueryClient): boolean {
  const cache = queries.getQueryCache();
  return useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () => cache.getAll().some((query) => isSignedOut(query.state.error)),
  );
}

const root = createRootRoute({ component: Root });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to say "go there instead"
    throw redirect({ to: "/alerts" });
  },
});
const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: alertsSearch,
  component: function Alerts() {
    return <AlertsPage search={alerts.useSearch()} />;
  },
});
const alertLink = createRoute({
  getParentRoute: () => root,
  path: "/alerts/$id",
  beforeLoad: ({ params }) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a deep link is the list with one selected
    throw redirect({ to: "/alerts", search: { selected: params.id, span: "all" } });
  },
});
const captures = createRoute({
  getParentRoute: () => root,
  path: "/captures",
  validateSearch: capturesSearch,
  component: function Captures() {
    return <CapturesPage search={captures.useSearch()} />;
  },
});
const logs = createRoute({
  getParentRoute: () => root,
  path: "/logs",
  validateSearch: logsSearch,
  component: function Logs() {
    return <LogsPage search={logs.useSearch()} />;
  },
});
const configuration = createRoute({
  getParentRoute: () => root,
  path: "/settings/alerts",
  validateSearch: configurationSearch,
  component: function Configuration() {
    return <AlertsConfigurationPage search={configuration.useSearch()} />;
  },
});
const exceptions = createRoute({
  getParentRoute: () => root,
  path: "/settings/exceptions",
  validateSearch: exceptionsSearch,
  component: function Exceptions() {
    return <ExceptionsPage search={exceptions.useSearch()} />;
  },
});

const tree = root.addChildren([home, alerts, alertLink, captures, logs, configuration, exceptions]);

export function createConsoleRouter(queries: QueryClient) {
  return createRouter({ routeTree: tree, context: { queries }, defaultPreload: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
