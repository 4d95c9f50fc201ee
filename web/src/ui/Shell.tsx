/** The frame around every page: places to go, health always in sight, light or dark. */
import { ActionIcon, AppShell, Group, NavLink, Text, Title, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconMoon, IconSun } from "@tabler/icons-react";
import type { ReactNode } from "react";

export interface Place {
  label: string;
  path: string;
  icon: ReactNode;
}

interface Props {
  places: Place[];
  current: string;
  onGo: (path: string) => void;
  health: ReactNode;
  children: ReactNode;
}

export function Shell({ places, current, onGo, health, children }: Props) {
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 180, breakpoint: 0 }} padding="md">
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between">
          <Title order={1} size="h4">
            Kodkod
          </Title>
          <Group gap="md">
            {health}
            <SchemeSwitch />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Main">
        {places.map((place) => (
          <NavLink
            key={place.path}
            href={place.path}
            label={<Text size="sm">{place.label}</Text>}
            leftSection={place.icon}
            active={current.startsWith(place.path)}
            variant="light"
            color="gray"
            {...(current.startsWith(place.path) ? { "aria-current": "page" as const } : {})}
            onClick={(event) => {
              event.preventDefault();
              onGo(place.path);
            }}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main>{children}</AppShell.Main>
    </AppShell>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <ActionIcon
      variant="default"
      aria-label={`Use ${other} colours`}
      onClick={() => {
        setColorScheme(other);
      }}
    >
      {scheme === "dark" ? <IconSun size={16} /> : <IconMoon size={16} />}
    </ActionIcon>
  );
}
