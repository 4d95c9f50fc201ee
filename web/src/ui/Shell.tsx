/** The frame around every page: places to go, health always in sight, light or dark, help at hand. */
import { ActionIcon, AppShell, Group, NavLink, Text, Title, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconKeyboard, IconMoon, IconSearch, IconSun } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

import { useKeys } from "./keys";
import { type Deed, Palette } from "./Palette";
import { type Shortcut, Shortcuts } from "./Shortcuts";

export interface Place {
  label: string;
  path: string;
  icon: ReactNode;
}

interface Props {
  places: Place[];
  current: string;
  onGo: (path: string) => void;
  deeds: Deed[];
  meanings: (text: string) => Deed[];
  shortcuts: Shortcut[];
  health: ReactNode;
  /** Who is signed in. */
  who: ReactNode;
  children: ReactNode;
}

export function Shell({ places, current, onGo, deeds, meanings, shortcuts, health, who, children }: Props) {
  const [open, setOpen] = useState<"help" | "palette">();
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  const swap = (): void => {
    setColorScheme(other);
  };
  const close = (): void => {
    setOpen(undefined);
  };
  useKeys({
    "?": () => {
      setOpen("help");
    },
    "mod+k": () => {
      setOpen(open === "palette" ? undefined : "palette");
    },
  });
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 180, breakpoint: 0 }} padding="md">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Title order={1} size="h4">
            Kodkod
          </Title>
          <Group gap="xs" wrap="nowrap">
            {health}
            <Tool label="Go to or do (Ctrl K)" onClick={() => { setOpen("palette"); }}>
              <IconSearch size={16} />
            </Tool>
            <Tool label="Keyboard shortcuts (?)" onClick={() => { setOpen("help"); }}>
              <IconKeyboard size={16} />
            </Tool>
            <Tool label={`Use ${other} colours`} onClick={swap}>
              {other === "light" ? <IconSun size={16} /> : <IconMoon size={16} />}
            </Tool>
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
        <div style={{ marginTop: "auto", padding: "0 8px" }}>{who}</div>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {children}
      </AppShell.Main>
      <Palette
        isOpen={open === "palette"}
        onClose={close}
        deeds={[...deeds, { label: `Use ${other} colours`, run: swap }]}
        meanings={meanings}
      />
      <Shortcuts isOpen={open === "help"} onClose={close} shortcuts={shortcuts} />
    </AppShell>
  );
}

function Tool({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <ActionIcon variant="default" aria-label={label} title={label} onClick={onClick}>
      {children}
    </ActionIcon>
  );
}
