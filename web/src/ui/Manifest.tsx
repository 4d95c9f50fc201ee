/** The manifest beside a form: what `kubectl apply` would be given, ready to be copied. */
import { Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";

import { yaml } from "./yaml";

export function Manifest({ object }: { object: unknown }) {
  const text = yaml(object);
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={500}>
          Manifest
        </Text>
        <CopyButton value={`kubectl apply -f - <<'EOF'\n${text}EOF\n`}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy as kubectl"}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code block aria-label="Manifest" tabIndex={0} style={{ whiteSpace: "pre-wrap" }}>
        {text}
      </Code>
    </Stack>
  );
}
