/** Every page and every dialog, light and dark: axe has nothing to object to. */
import { expect, type Page } from "@playwright/test";

import { beSignedIn, expectAccessible, test, visit } from "./console";
import { addEvents, ask, CAN_CAPTURE, inspectionEvent } from "./server";

const PLACES: [name: string, address: string, shown: (page: Page) => Promise<void>][] = [
  ["alerts", "/alerts", (page) => expect(page.getByRole("checkbox", { name: "Select axe-1" })).toBeVisible()],
  ["an alert", "/alerts/axe-1", (page) => expect(page.getByRole("table", { name: "Why it fired" })).toBeVisible()],
  ["no alert", "/alerts?types=%5B%22Honeypod%22%5D", (page) => expect(page.getByText("Nothing sent:").or(page.getByText("Not selected:")).first()).toBeVisible()],
  ["a refused query", "/alerts?query=severity%20%3D%3D", (page) => expect(page.getByRole("alert")).toBeVisible()],
  ["an exception in the making", "/alerts?selected=axe-1&except=true&span=all", (page) => expect(page.getByRole("status", { name: "What it hides" })).toBeVisible()],
  ["a time range", "/alerts?span=between&from=2026-01-01T00%3A00%3A00Z", (page) => expect(page.getByLabel("From", { exact: true })).toBeVisible()],
  ["exceptions", "/settings/exceptions", (page) => expect(page.getByRole("row", { name: /axe-exception/ })).toBeVisible()],
  ["a new exception", "/settings/exceptions?create=true", (page) => expect(page.getByRole("dialog")).toBeVisible()],
  ["configuration", "/settings/alerts?selected=axe-alert", (page) => expect(page.getByRole("table", { name: "Alert definition" })).toBeVisible()],
  ["templates", "/settings/alerts?tab=templates&selected=network.ssh", (page) => expect(page.getByRole("table", { name: "Alert definition" })).toBeVisible()],
  ["a choice of templates", "/settings/alerts?make=template", (page) => expect(page.getByRole("dialog").getByRole("button", { name: "network.ssh" })).toBeVisible()],
  ["a blank alert", "/settings/alerts?make=blank", (page) => expect(page.getByRole("dialog", { name: "New alert" })).toBeVisible()],
  ["captures", "/captures?selected=dev%2Faxe", (page) => expect(page.getByRole("table", { name: "Nodes" })).toBeVisible()],
  ["a new capture", "/captures?create=true", (page) => expect(page.getByRole("dialog", { name: "Packet Capture" })).toBeVisible()],
  ["logs", "/logs?dataset=dns&span=all", (page) => expect(page.getByText("www.example.com")).toBeVisible()],
  ["no log", "/logs?dataset=l7", (page) => expect(page.getByText("nothing here writes the data set l7")).toBeVisible()],
];

test.beforeAll(async () => {
  const calico = "/apis/projectcalico.org/v3";
  await addEvents([inspectionEvent("axe-1", 80001)]);
  const spec = { description: "axe-exception", selector: 'origin = "nothing"', startTime: "2026-01-01T00:00:00Z" };
  await ask("admin", "POST", `${calico}/alertexceptions`, JSON.stringify({ metadata: { name: "axe-exception" }, spec }));
  const alert = { description: "axe", severity: 1, dataSet: "dns" };
  await ask("admin", "POST", `${calico}/globalalerts`, JSON.stringify({ metadata: { name: "axe-alert" }, spec: alert }));
  const capture = { namespace: "dev", name: "axe", selector: 'app == "console"', filters: [{ protocol: "TCP", ports: [1] }] };
  await ask("admin", "POST", "/v1/captures", JSON.stringify(capture));
});

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const [name, address, shown] of PLACES) {
      test(name, async ({ page, context }) => {
        await beSignedIn(context);
        await visit(page, address);
        await shown(page);
        await expectAccessible(page);
      });
    }

    test("help, palette, health, menus and sign-in", async ({ page, context }) => {
      await beSignedIn(context);
      await visit(page, "/alerts");
      await expect(page.getByRole("heading", { name: "Alerts", level: 2 })).toBeVisible();
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("option", { name: "New capture" })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Health" }).click();
      await expect(page.getByRole("dialog", { name: "Health" })).toContainText(CAN_CAPTURE ? "agent" : "No agent");
      await expectAccessible(page);
      await visit(page, "/captures");
      await page.getByRole("button", { name: "Actions for axe" }).click();
      await expect(page.getByRole("menuitem", { name: "Delete job" })).toBeVisible();
      await expectAccessible(page, ["region"]); // an open menu stands outside the landmarks, at the page's end
      await context.clearCookies();
      await visit(page, "/captures");
      await expect(page.getByRole("form", { name: "Sign in" })).toBeVisible();
      await expectAccessible(page);
    });
  });
}
