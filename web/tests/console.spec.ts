/** The console as a person uses it: by role and name, with refusals, by keyboard, and without a request elsewhere. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

import { addEvents, ask, inspectionEvent } from "./server";

const elsewhere: string[] = [];

test.beforeEach(async ({ page }) => {
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (hostname !== "127.0.0.1" && !["data:", "blob:"].includes(protocol)) elsewhere.push(request.url());
  });
  const link = await ask("admin", "POST", "/v1/session/link");
  await page.goto((JSON.parse(link.body) as { path: string }).path);
  await expect(page.getByRole("heading", { name: "Alerts", level: 2 })).toBeVisible();
});

test.afterAll(() => {
  expect(elsewhere).toEqual([]);
});

async function expectAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa"]).analyze();
  expect(found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
}

test("a login link works once", async ({ page, context }) => {
  const link = JSON.parse((await ask("admin", "POST", "/v1/session/link")).body) as { path: string };
  await page.goto(link.path);
  await context.clearCookies();
  await page.goto(link.path);
  await expect(page.getByText("used before")).toBeVisible();
});

test("alerts are listed, opened and closed by keyboard", async ({ page }) => {
  const row = page.getByRole("button", { name: /a test signature \(1:57461:1\)/ });
  await row.focus();
  await page.keyboard.press("Enter");
  const detail = page.getByRole("region", { name: "Alert details" });
  await expect(detail.getByText("dpi.dev/nginx-dpi")).toBeVisible();
  await expect(detail.getByTestId("rule")).toContainText("sid:57461");
  await expect(detail.getByRole("table", { name: "Why it fired" })).toContainText("abc");
  await expect(detail.getByRole("row", { name: /Destination name aggregation/ })).toContainText("N/A");
  await expect(page).toHaveURL(/selected=/);
  await expectAccessible(page);
});

test("a new event appears by itself", async ({ page }) => {
  await expect(page.getByText("Live")).toBeVisible();
  await addEvents([inspectionEvent("event-live", 90001)]);
  await expect(page.getByText("a test signature (1:90001:1)")).toBeVisible();
});

test("a type filter leaves other types out, and the cross clears it", async ({ page }) => {
  await page.getByRole("group", { name: "Type" }).getByRole("button", { name: "Global Alert" }).click();
  await expect(page.getByText("No alert matches this filter.")).toBeVisible();
  await page.getByRole("button", { name: "Clear filter" }).click();
  await expect(page.getByText(/\(1:57461:1\)/).first()).toBeVisible();
});

test("a query that cannot be asked is refused with its place", async ({ page }) => {
  await page.getByRole("textbox", { name: "Query" }).fill("severity ==");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("=");
});

test("dismissing hides a row and undo brings it back", async ({ page }) => {
  const row = page.getByText("a test signature (1:21562:1)");
  await page.getByRole("checkbox", { name: "Select event-2" }).check();
  await page.getByRole("button", { name: "Dismiss selected" }).click();
  await expect(row).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(row).toBeVisible();
});

test("an alert is made from a template", async ({ page }) => {
  await page.getByRole("button", { name: "Alerts configuration" }).click();
  await expect(page.getByRole("heading", { name: "Alerts configuration" })).toBeVisible();
  await page.getByRole("button", { name: "New" }).click();
  await page.getByRole("menuitem", { name: "Template" }).click();
  const chooser = page.getByRole("dialog", { name: "Select alert configuration template" });
  await chooser.getByRole("button", { name: "network.ssh" }).click();
  const form = page.getByRole("dialog", { name: "New alert" });
  await expect(form.getByRole("textbox", { name: "Query String" })).toHaveValue(/dest_port/);
  await expect(form.getByLabel("Manifest")).toContainText("kind: GlobalAlert");
  await form.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("button", { name: "network.ssh" })).toBeVisible();
  const made = await ask("admin", "GET", "/apis/projectcalico.org/v3/globalalerts/network.ssh");
  expect(made.status).toBe(200);
  await expectAccessible(page);
});

test("a capture is made, scheduled, and refused where it cannot be meant", async ({ page }) => {
  await page.getByRole("link", { name: "Captures" }).click();
  await page.getByRole("button", { name: "New capture" }).click();
  const dialog = page.getByRole("dialog", { name: "Packet Capture" });
  await dialog.getByRole("textbox", { name: "Job Name" }).fill("from-console");
  await dialog.getByRole("textbox", { name: "Selector" }).fill("app = nginx");
  await dialog.getByRole("button", { name: "Run" }).click();
  await expect(dialog.getByRole("alert")).toContainText("selector");
  await dialog.getByRole("textbox", { name: "Selector" }).fill('app == "nginx"');
  await dialog.getByRole("button", { name: "Run" }).click();
  await expect(page.getByRole("row", { name: /from-console/ })).toContainText('app == "nginx"');
  await expectAccessible(page);
});

test("logs are found by query", async ({ page }) => {
  await page.goto("/logs?dataset=dns");
  await expect(page.getByText("www.example.com")).toBeVisible();
  await page.getByRole("textbox", { name: "Query" }).fill('qname = "other.example"');
  await page.keyboard.press("Enter");
  await expect(page.getByText("No entry in this time matches.")).toBeVisible();
  await expectAccessible(page);
});

test("nothing is shown to nobody", async ({ page, context }) => {
  await context.clearCookies();
  await page.goto("/alerts");
  await expect(page.getByRole("alert")).toContainText("Not signed in");
});
