/** Nobody is signed in: what to do on one host, and where to put a token. */
import { Alert, Button, Code, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";

import { signIn } from "../api/session";
import { Problem } from "../ui/Problem";

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState("");
  const [error, setError] = useState<Error>();
  const enter = async (): Promise<void> => {
    setError(undefined);
    try {
      await signIn(token);
    } catch (reason) {
      setError(reason as Error);
      return;
    }
    onSignedIn();
  };
  return (
    <Paper withBorder p="md" maw={560} mx="auto" mt="xl">
      <form
        aria-label="Sign in"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h4">
            Sign in
          </Title>
          <Alert color="blue" variant="light" title="Not signed in" role="alert">
            <Text size="sm">Alerts, logs and packets are shown to those who have a right to them.</Text>
          </Alert>
          <Text size="sm">
            On one host <Code>kodkod up</Code> prints a link that signs you in once. In a cluster{" "}
            <Code>kubectl create token NAME -n NAMESPACE</Code> gives a token of a service account; the console then shows
            what that account may see.
          </Text>
          <PasswordInput
            label="Bearer token"
            required
            autoComplete="off"
            visibilityToggleButtonProps={{ "aria-label": "Show the token", tabIndex: 0 }}
            value={token}
            onChange={(event) => {
              setToken(event.currentTarget.value);
            }}
          />
          {error && <Problem error={error} />}
          <Button type="submit">Sign in</Button>
        </Stack>
      </form>
    </Paper>
  );
}
