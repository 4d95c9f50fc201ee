/** What every browser test stands on: signed in, nothing asked of any other host, nothing that axe objects to. */
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Locator, type Page, test as plain } from "@playwright/test";

import { ask, tokenOf } from "./server";

/** A test that fails when its pages ask anything of another host. */
export const test = plain.extend<{ ownHostOnly: undefined }>({
  ownHostOnly: [
    async ({ context }, use) => {
      const elsewhere: string[] = [];
      context.on("request", (request) => {
        const { hostname, protocol } = new URL(request.url());
        if (hostname !== "127.0.0.1" && !["data:", "blob:"].includes(protocol)) elsewhere.push(request.url());
      });
      await use(undefined);
      expect(elsewhere).toEqual([]);
    },
    { auto: true },
  ],
});

export async function signIn(page: Page): Promise<void> {
  const link = await ask("admin", "POST", "/v1/session/link");
  await page.goto((JSON.parse(link.body) as { path: string }).path); // works once, so it is not tried again
  await expect(page.getByRole("heading", { name: "Alerts", level: 2 })).toBeVisible();
}

/** Go to an address; once more where an interface of this machine came or went meanwhile, which the browser takes to heart. */
export async function visit(page: Page, address: string): Promise<void> {
  try {
    await page.goto(address);
  } catch (error) {
    if (!String(error).includes("ERR_NETWORK_CHANGED")) throw error;
    await page.goto(address);
  }
}

/** Signed in without a page: the context gets the session's cookie for a token. */
export async function beSignedIn(context: BrowserContext): Promise<void> {
  const answer = await context.request.post("/v1/session", { headers: { Authorization: `Bearer ${tokenOf("admin")}` } });
  expect(answer.status()).toBe(200);
}

/** No finding of axe by WCAG 2.2 A and AA, nor against its best practices but those named. */
export async function expectAccessible(page: Page, without: string[] = []): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== "running"));
  const found = await new AxeBuilder({ page }).withTags(tags).disableRules(without).analyze();
  expect(found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
}

const STEPS_MAX = 150;

/** Go on with Tab until something has the focus; each stop on the way has to show that it has it. */
export async function tabTo(page: Page, wanted: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  await wanted.waitFor({ state: "attached" });
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const { isThere, unseen } = await wanted.evaluate(focusSeenFrom);
    expect(step === 0 ? null : unseen, "has the focus and does not show it").toBeNull();
    if (isThere) return;
    await page.keyboard.press(key);
  }
  throw new Error(`not reached with ${key}: ${String(wanted)}`);
}

/** Whether an element has the focus, and what has it without a ring that can be seen. Runs in the page. */
function focusSeenFrom(wanted: Element): { isThere: boolean; unseen: string | null } {
  const focused = document.activeElement;
  const isThere = wanted === focused;
  if (focused === null || focused === document.body) return { isThere, unseen: null }; // among the browser's own controls
  const isOutlined = (one: Element | null): boolean => {
    if (one === null) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    const { width, height } = one.getBoundingClientRect();
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 && width >= 4 && height >= 4;
  };
  const { bottom, top } = focused.getBoundingClientRect();
  const isSeen = bottom > 0 && top < window.innerHeight && (isOutlined(focused) || isOutlined(focused.nextElementSibling));
  return { isThere, unseen: isSeen ? null : focused.outerHTML.slice(0, 300) };
}

/** Choose in a menu by arrow keys. */
export async function chooseItem(page: Page, name: string): Promise<void> {
  const item = page.getByRole("menuitem", { name });
  await item.waitFor();
  for (let step = 0; step < 10; step += 1) {
    if (await item.evaluate((element) => element === document.activeElement)) {
      await page.keyboard.press("Enter");
      return;
    }
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`not reached in the menu: ${name}`);
}

/** Choose in an open list of options by arrow keys; the list's own marker says where it stands. */
export async function chooseOption(page: Page, name: string): Promise<void> {
  const option = page.getByRole("option", { name, exact: true });
  await option.waitFor();
  for (let step = 0; step < 20; step += 1) {
    if ((await option.getAttribute("data-combobox-selected")) === "true") {
      await page.keyboard.press("Enter");
      return;
    }
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`not reached in the list: ${name}`);
}

/** Go somewhere, or do something, by its name. */
export async function command(page: Page, text: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Go to or do" })).toBeFocused();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Go to or do" })).toBeHidden();
}
