import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The built console is part of the Python package: the server serves it at `/`.
export default defineConfig({
  plugins: [react()],
  build: { outDir: "../src/kodkod/server/web", emptyOutDir: true, chunkSizeWarningLimit: 1200 },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
