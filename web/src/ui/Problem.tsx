/** What went wrong, in the server's words, and what to do. */
import { Alert, Button, Text } from "@mantine/core";

interface Props {
  error: Error & { hint?: string; status?: number; offset?: number | undefined };
  onRetry?: () => void;
}

export function Problem({ error, onRetry }: Props) {
  return (
    <Alert color="red" variant="light" title={title(error.status)} role="alert">
      <Text size="sm">
        {error.message}
        {error.offset === undefined ? "" : ` (at character ${error.offset + 1})`}
      </Text>
      {error.hint && <Text size="sm">Hint: {error.hint}</Text>}
      {onRetry && (
        <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

function title(status: number | undefined): string {
  if (status === 401) return "Not signed in";
  if (status === 403) return "No permission";
  if (status === 409) return "This cannot be done now";
  if (status === 400 || status === 422) return "This cannot be asked";
  return "The server did not answer as it should";
}
