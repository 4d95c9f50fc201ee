import { defineConfig } from "@playwright/test";

import { CONSOLE } from "./tests/server";

// The console against a real server with real events: `tests/server.ts` starts one for the run and ends it.
export default defineConfig({
  testDir: "tests",
  timeout: 300_000, // a machine that builds beside the tests is slow; what is waited for are facts, not times
  expect: { timeout: 30_000 },
  workers: 1,
  reporter: [["list"]],
  globalSetup: "./tests/server.ts",
  use: {
    baseURL: CONSOLE,
    ignoreHTTPSErrors: true, // the server's authority is its own; clients of the API do check it
    viewport: { width: 1280, height: 720 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
    },
  },
});
