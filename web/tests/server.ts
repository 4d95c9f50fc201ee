/** A real server for the browser tests: started in a folder of its own, with objects, events and logs, ended at the end. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";

export const PORT = Number(process.env.KODKOD_BROWSER_PORT ?? "19843");
const NODE = "n1";
export const CONSOLE = `https://127.0.0.1:${PORT}`;
const ROOT = path.resolve(import.meta.dirname, "../..");
const PYTHON = path.join(ROOT, ".venv/bin/python");
const READY_MS = 120_000;

/** Where the running server's data is; the tests find its tokens there. */
export function dataFolder(): string {
  const folder = process.env.KODKOD_BROWSER_DATA;
  if (folder === undefined) throw new Error("the server of the tests is not running");
  return folder;
}

type Identity = "admin" | "viewer" | "agent" | "lab";

export function tokenOf(identity: Identity): string {
  const name = identity === "admin" ? "kubeconfig" : `run/${identity}.kubeconfig`;
  const found = /token: (\S+)/.exec(readFileSync(path.join(dataFolder(), name), "utf8"));
  if (found?.[1] === undefined) throw new Error(`no token in ${name}`);
  return found[1];
}

interface Answer {
  status: number;
  body: string;
}

/** One request to the server with an identity's token. */
export function ask(
  identity: Identity,
  method: string,
  target: string,
  body?: string,
  type = "application/json",
): Promise<Answer> {
  const headers: Record<string, string> = { Authorization: `Bearer ${tokenOf(identity)}` };
  if (body !== undefined) headers["Content-Type"] = type;
  return new Promise((resolve, reject) => {
    const options = { method, headers, rejectUnauthorized: false };
    const sent = httpsRequest(CONSOLE + target, options, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, body: text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function must(answer: Promise<Answer>): Promise<Answer> {
  const found = await answer;
  if (found.status >= 300) throw new Error(`status ${found.status}: ${found.body}`);
  return found;
}

async function untilReady(): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    try {
      await must(ask("admin", "GET", "/apis/projectcalico.org/v3/globalalerttemplates/network.ssh"));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** An event as the inspector sends one. */
export function inspectionEvent(id: string, sid: number, namespace = "dev"): Record<string, unknown> {
  return {
    id,
    time: Math.floor(Date.now() / 1000),
    type: "deep_packet_inspection",
    origin: `dpi.${namespace}/nginx-dpi`,
    name: "Signature Triggered Alert",
    description: `Signature Triggered Alert: a test signature (1:${sid}:1)`,
    severity: 100,
    source_ip: "10.65.1.4",
    source_port: 40000,
    source_name: "centos",
    source_namespace: namespace,
    dest_ip: "10.65.1.2",
    dest_port: 80,
    dest_name: "dev-nginx-1",
    dest_namespace: namespace,
    host: "n1",
    record: {
      snort_signature_id: String(sid),
      rule: `alert tcp any any -> any any ( msg:"a test signature"; sid:${sid}; )`,
      why: [{ option: 'content:"abc"', buffer: "http_uri", offset: 1, length: 3, bytes: "616263", packets: [7] }],
    },
  };
}

export async function addEvents(events: Record<string, unknown>[]): Promise<void> {
  const lines = events.map((event) => JSON.stringify(event)).join("\n");
  await must(ask("agent", "POST", "/v1/ingest/events", lines, "application/x-ndjson"));
}

/** Whether a real agent can record here: packet sockets take a right that root has. */
export const CAN_CAPTURE = process.getuid?.() === 0;

/** The loopback interface as a workload of `dev`, so that the browser's own requests are packets to record. */
async function declareLoopback(): Promise<void> {
  const endpoint = {
    apiVersion: "kodkod.dev/v1alpha1",
    kind: "WorkloadEndpoint",
    metadata: { name: "loopback", namespace: "dev", labels: { app: "console" } },
    spec: { node: NODE, interface: "lo" },
  };
  await must(ask("admin", "POST", "/apis/kodkod.dev/v1alpha1/namespaces/dev/workloadendpoints", JSON.stringify(endpoint)));
}

async function furnish(): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "dev" }, status: { phase: "Active" } };
  await must(ask("lab", "POST", "/api/v1/namespaces", JSON.stringify(namespace)));
  await addEvents([inspectionEvent("event-1", 57461), inspectionEvent("event-2", 21562)]);
  const now = Math.floor(Date.now() / 1000);
  const lookup = {
    start_time: now - 10, end_time: now, type: "LOG", count: 1, client_name: "centos", client_namespace: "dev",
    qname: "www.example.com", qtype: "A", qclass: "IN", rcode: "NoError",
  };
  await must(ask("agent", "POST", "/v1/ingest/dns", JSON.stringify(lookup), "application/x-ndjson"));
}

function kodkod(...words: string[]): ChildProcess {
  return spawn(PYTHON, ["-m", "kodkod.cli.app", ...words], { stdio: "ignore" });
}

function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    process.once("exit", () => {
      resolve();
    });
    process.kill("SIGTERM");
  });
}

export default async function globalSetup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(path.join(tmpdir(), "kodkod-browser-"));
  process.env.KODKOD_BROWSER_DATA = folder;
  const started = [kodkod("server", "--data", folder, "--listen", `127.0.0.1:${PORT}`, "--node", NODE)];
  const end = async (): Promise<void> => {
    await Promise.all(started.reverse().map(ended));
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  };
  try {
    execFileSync(PYTHON, ["--version"]);
    await untilReady();
    await furnish();
    if (CAN_CAPTURE) {
      await declareLoopback();
      started.push(kodkod("agent", "--data", folder, "--kubeconfig", path.join(folder, "run/agent.kubeconfig"), "--node", NODE));
    }
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}
