import { describe, expect, it } from "vitest";

import { foldedState, type PacketCapture } from "./kube";

const capture = (...states: string[]): PacketCapture => ({
  apiVersion: "projectcalico.org/v3",
  kind: "PacketCapture",
  metadata: { name: "c", namespace: "dev" },
  spec: {},
  status: { files: states.map((state, index) => ({ node: `n${index}`, state })) },
});

describe("the state of a capture on many nodes", () => {
  it.each([
    [["Capturing", "Error"], "Error"],
    [["Finished", "Capturing", "WaitingForTraffic"], "Capturing"],
    [["Finished", "Scheduled"], "Scheduled"],
    [["Finished", "Finished"], "Finished"],
    [[], "Pending"],
  ])("folds %j into %s", (states, folded) => {
    expect(foldedState(capture(...states))).toBe(folded);
  });
});
