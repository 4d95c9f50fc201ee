/** Every page without a mouse: what has the focus shows it, and what can be done can be done by keys. */
import { expect, type Page } from "@playwright/test";

import { chooseItem, chooseOption, command, signIn, tabTo, test } from "./console";
import { addEvents, ask, CAN_CAPTURE, inspectionEvent, PORT } from "./server";

test.beforeEach(async ({ page }) => {
  await page.addInitScript(() => {
    // A pointer would be cheating.
    for (const name of ["mousedown", "pointerdown"]) {
      window.addEventListener(name, () => { throw new Error("the mouse was used"); }, { capture: true });
    }
  });
  page.on("pageerror", (error) => {
    throw error;
  });
  await signIn(page);
});

const detail = (page: Page) => page.getByRole("region", { name: "Alert details" });

test("alerts: rows, detail, filter, dismissal and undo", async ({ page }) => {
  await addEvents([inspectionEvent("key-1", 70001), inspectionEvent("key-2", 70002)]);
  const first = page.getByRole("button", { name: /\(1:7000[12]:1\)/ }).first();
  await expect(first).toBeVisible();

  await page.keyboard.press("/");
  await expect(page.getByRole("textbox", { name: "Query" })).toBeFocused();
  await page.keyboard.type('id IN {"key-*"}');
  await page.keyboard.press("Enter");
  await expect(page.getByText("of 2 entries")).toBeVisible();
  await page.keyboard.press("Escape");

  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(detail(page).getByTestId("rule")).toContainText(/sid:7000[12]/);
  const opened = page.url();
  await page.keyboard.press("j");
  await expect.poll(() => page.url()).not.toBe(opened);
  await page.keyboard.press("k");
  await expect.poll(() => page.url()).toBe(opened);
  await page.keyboard.press("Escape");
  await expect(detail(page)).toBeHidden();

  await page.keyboard.press("x");
  await expect(page.getByRole("checkbox", { name: /^Select key-/, checked: true })).toHaveCount(1);
  await page.keyboard.press("x");
  await expect(page.getByRole("checkbox", { name: /^Select key-/, checked: true })).toHaveCount(0);
  await page.keyboard.press("e");
  await expect(page.getByText("of 1 entries")).toBeVisible();
  await expect(page.getByRole("button", { name: /\(1:7000[12]:1\)/ })).toBeFocused(); // the next row took over
  await page.keyboard.press("z");
  await expect(page.getByText("of 2 entries")).toBeVisible();

  await tabTo(page, page.getByRole("button", { name: "Clear filter" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Query" })).toHaveValue("");
});

test("alerts: time range, type, and what an alert's values are good for", async ({ page }) => {
  await addEvents([inspectionEvent("held-1", 70011, "uat")]);
  await tabTo(page, page.getByRole("combobox", { name: "Time range" }));
  await page.keyboard.press("Enter");
  await chooseOption(page, "Last 7 days");
  await expect(page).toHaveURL(/span=7d/);
  await tabTo(page, page.getByRole("button", { name: "Honeypod" }));
  await page.keyboard.press("Space");
  await expect(page.getByRole("status", { name: "Why there is nothing" })).toContainText("No alert matches this filter");
  await page.keyboard.press("Space");

  await tabTo(page, page.getByRole("button", { name: /\(1:70011:1\)/ }));
  await page.keyboard.press("Enter");
  const namespace = detail(page).getByRole("row", { name: /Destination namespace/ }).getByRole("button", { name: "uat" });
  await tabTo(page, namespace);
  await page.keyboard.press("Enter");
  await chooseItem(page, "Only this");
  await expect(page.getByRole("textbox", { name: "Query" })).toHaveValue('dest_namespace = "uat"');
  await expect(page.getByText("of 1 entries")).toBeVisible();
});

test("an exception is made of an alert, seen, and taken back", async ({ page }) => {
  await addEvents([inspectionEvent("hush-1", 70021), inspectionEvent("hush-2", 70021)]);
  const rows = page.getByRole("button", { name: /\(1:70021:1\)/ });
  await expect(rows).toHaveCount(2);
  await tabTo(page, rows.first());
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog", { name: "Create an Exception" });
  await expect(dialog.getByRole("status", { name: "What it hides" })).toContainText("Hides 2 of the alerts");
  await expect(dialog.getByRole("textbox", { name: "Reason" })).toBeFocused();
  await page.keyboard.type("a test of ours");
  await tabTo(page, dialog.getByRole("button", { name: "Create Exception" }));
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(rows).toHaveCount(0);

  await command(page, "exceptions");
  await expect(page.getByRole("row", { name: /a test of ours/ })).toContainText("In force");
  await tabTo(page, page.getByRole("row", { name: /a test of ours/ }).getByRole("button", { name: /^Delete/ }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("row", { name: /a test of ours/ })).toBeHidden();
  await page.keyboard.press("z");
  await expect(page.getByRole("row", { name: /a test of ours/ })).toBeVisible();
  await tabTo(page, page.getByRole("row", { name: /a test of ours/ }).getByRole("button", { name: /^Delete/ }));
  await page.keyboard.press("Enter");
  await command(page, "go to alerts");
  await expect(rows).toHaveCount(2);
});

test("an alert is made from a template, shown, deleted and brought back", async ({ page }) => {
  await tabTo(page, page.getByRole("button", { name: "Alerts configuration" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Alerts configuration" })).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "New", exact: true }));
  await page.keyboard.press("Enter");
  await chooseItem(page, "Template");
  const chooser = page.getByRole("dialog", { name: "Select alert configuration template" });
  await tabTo(page, chooser.getByRole("button", { name: "network.lateral.access" }));
  await page.keyboard.press("Enter");
  const form = page.getByRole("dialog", { name: "New alert" });
  await expect(form.getByRole("textbox", { name: "Name" })).toBeFocused();
  await tabTo(page, form.getByRole("button", { name: "Create" }));
  await page.keyboard.press("Enter");
  await expect(form).toBeHidden();

  const made = page.getByRole("button", { name: "network.lateral.access" });
  await tabTo(page, made);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "Alert definition" })).toContainText("flows");
  await tabTo(page, page.getByRole("button", { name: "Delete" }));
  await page.keyboard.press("Enter");
  await expect(made).toBeHidden();
  await page.keyboard.press("z");
  await expect(made).toBeVisible();
});

test("a capture is made, filled, downloaded, stopped and deleted", async ({ page }) => {
  test.skip(!CAN_CAPTURE, "recording needs the right to open packet sockets");
  await command(page, "captures");
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Packet Capture" });
  await expect(dialog.getByRole("textbox", { name: "Job Name" })).toBeFocused();
  await page.keyboard.type("by-keys");
  await tabTo(page, dialog.getByRole("combobox", { name: "Namespace" }));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("dev");
  await chooseOption(page, "dev");
  await tabTo(page, dialog.getByRole("textbox", { name: "Selector" }));
  await page.keyboard.type('app == "console"');
  await tabTo(page, dialog.getByRole("combobox", { name: "Ports" }));
  await page.keyboard.type(String(PORT));
  await page.keyboard.press("Enter");
  await expect(dialog.getByLabel("Manifest")).toContainText(`- ${PORT}`);
  await tabTo(page, dialog.getByRole("button", { name: "Run" }));
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();

  const row = page.getByRole("row", { name: /by-keys/ });
  await expect(row).toContainText("Capturing", { timeout: 20_000 });
  const link = row.getByRole("link", { name: "Download by-keys" });
  await expect(link).toBeVisible({ timeout: 20_000 });
  await tabTo(page, link);
  const download = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await download).suggestedFilename()).toBe("dev_by-keys.zip");

  await tabTo(page, row.getByRole("button", { name: "by-keys", exact: true }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "Files" })).toContainText("loopback_lo.pcap");

  const actions = row.getByRole("button", { name: "Actions for by-keys" });
  await tabTo(page, actions);
  await page.keyboard.press("Enter");
  await chooseItem(page, "Stop");
  await expect(row).toContainText("Finished", { timeout: 20_000 });
  await tabTo(page, actions);
  await page.keyboard.press("Enter");
  await chooseItem(page, "Delete captures");
  await expect(row).toContainText("No files", { timeout: 20_000 });
  await tabTo(page, actions);
  await page.keyboard.press("Enter");
  await chooseItem(page, "Delete job");
  await expect(row).toBeHidden();
  const gone = await ask("admin", "GET", "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures/by-keys");
  expect(gone.status).toBe(404);
});

test("a capture is scheduled, and a scheduled one is stopped before it begins", async ({ page }) => {
  await command(page, "new capture");
  const dialog = page.getByRole("dialog", { name: "Packet Capture" });
  await expect(dialog.getByRole("textbox", { name: "Job Name" })).toBeFocused();
  await page.keyboard.type("later");
  await tabTo(page, dialog.getByRole("radio", { name: "Now" }));
  await page.keyboard.press("ArrowRight");
  await tabTo(page, dialog.getByLabel("Start Time"));
  await page.keyboard.type("01012099");
  await expect(dialog.getByLabel("Manifest")).toContainText("2099");
  await tabTo(page, dialog.getByLabel("End Time"));
  await page.keyboard.type("01022099");
  await tabTo(page, dialog.getByRole("button", { name: "Run" }));
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  const row = page.getByRole("row", { name: /later/ });
  await expect(row).toContainText("2099-01-01");
  await tabTo(page, row.getByRole("button", { name: "Actions for later" }));
  await page.keyboard.press("Enter");
  await chooseItem(page, "Stop");
  await expect(row).not.toContainText("2099");
});

test("logs: data set, query, rows, entry", async ({ page }) => {
  await command(page, "go to logs");
  await tabTo(page, page.getByRole("combobox", { name: "Dataset" }));
  await page.keyboard.press("Enter");
  await chooseOption(page, "tigera_secure_ee_dns*");
  await expect(page).toHaveURL(/dataset=dns/);
  await page.keyboard.press("Escape");
  await tabTo(page, page.getByRole("textbox", { name: "Query" }));
  await page.keyboard.type('qname = "www.example.com"');
  await page.keyboard.press("Enter");
  await expect(page.getByText("of 1 entries")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const entry = page.getByRole("region", { name: "Log entry" });
  await expect(entry.getByRole("row", { name: /client_name/ }).first()).toContainText("centos");
  await tabTo(page, entry.getByRole("button", { name: "NoError" }));
  await page.keyboard.press("Enter");
  await chooseItem(page, "Exclude this");
  await expect(page.getByText("No entry in this time matches.")).toBeVisible();
});

test("help, health and colours", async ({ page }) => {
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("Undo what was done last");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await tabTo(page, page.getByRole("button", { name: "Health" }));
  await page.keyboard.press("Enter");
  const health = page.getByRole("dialog", { name: "Health" });
  await expect(health).toContainText(CAN_CAPTURE ? "agent" : "No agent");
  await page.keyboard.press("Escape");
  await expect(health).toBeHidden();
  await command(page, "dark colours");
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await page.keyboard.press("Tab");
});
