/** Which address shows which page? Addresses are API: filters, time range and selection live in them. */
import { IconBell, IconDeviceFloppy, IconFileSearch } from "@tabler/icons-react";
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  redirect,
  useLocation,
  useNavigate,
} from "@tanstack/react-router";

import { AlertsPage, alertsSearch } from "./pages/alerts/AlertsPage";
import { CapturesPage, capturesSearch } from "./pages/captures/CapturesPage";
import { Health } from "./pages/Health";
import { LogsPage, logsSearch } from "./pages/logs/LogsPage";
import { AlertsConfigurationPage, configurationSearch } from "./pages/settings/AlertsConfigurationPage";
import { Shell } from "./ui/Shell";

const PLACES = [
  { label: "Alerts", path: "/alerts", icon: <IconBell size={16} /> },
  { label: "Captures", path: "/captures", icon: <IconDeviceFloppy size={16} /> },
  { label: "Logs", path: "/logs", icon: <IconFileSearch size={16} /> },
];

function Root() {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return (
    <Shell places={PLACES} current={pathname} onGo={(to) => void navigate({ to })} health={<Health />}>
      <Outlet />
    </Shell>
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

const tree = root.addChildren([home, alerts, alertLink, captures, logs, configuration]);

export function createConsoleRouter(queries: QueryClient) {
  return createRouter({ routeTree: tree, context: { queries }, defaultPreload: false });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
