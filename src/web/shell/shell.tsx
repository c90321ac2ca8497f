import { ActionIcon, AppShell, Burger, Button, Group, NavLink, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Session } from '#contract';
import { api } from '../parts/api.ts';
import { Warnings } from '../parts/freshness.tsx';
import { Notice } from '../parts/notice.tsx';
import { logOut } from '../parts/session.ts';
import { Help } from './help.tsx';
import { useLive } from './live.ts';
import { LoginPage } from './login.tsx';
import { pages } from './pages.ts';
import { useShortcuts, useSingleKeys } from './shortcuts.ts';
import { ThemeSwitch } from './theme.tsx';

/** The pages, or, where this server has accounts and nobody is logged in, the login. */
export function Shell() {
  const session = useQuery({ queryKey: ['session'], queryFn: () => api.session() });
  if (session.data?.as === 'nobody') return <LoginPage oidc={session.data.oidc} />;
  return <Pages session={session.data} />;
}

/** Around every page: navigation, what is old or missing in all of them, keys. */
function Pages({ session }: { readonly session: Session | undefined }) {
  const [menu, { toggle, close }] = useDisclosure(false);
  const [help, helpIs] = useDisclosure(false);
  const keys = useSingleKeys();
  useShortcuts(keys[0], helpIs.open);
  useLive();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    close();
    // Whoever listens to the page is told of the new one; at first the window itself is.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 210, breakpoint: 'md', collapsed: { mobile: !menu } }}
      padding="md"
    >
      <AppShell.Header>
        <a
          href="#main"
          className="skip"
          onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}
        >
          Skip to the content
        </a>
        <Group h="100%" px="md" justify="space-between">
          <Group gap="sm">
            <Burger
              opened={menu}
              onClick={toggle}
              hiddenFrom="md"
              size="sm"
              aria-label={menu ? 'Close the menu' : 'Open the menu'}
              aria-expanded={menu}
            />
            <Text fw={700} size="lg">
              TuxTape
            </Text>
          </Group>
          <Group gap="xs">
            <ActionIcon variant="default" size="lg" aria-label="Keys" onClick={helpIs.open}>
              ?
            </ActionIcon>
            {session?.as === 'session' && <LogOut session={session} />}
            <ThemeSwitch />
          </Group>
        </Group>
      </AppShell.Header>
      <Navigation path={path} session={session} />
      <AppShell.Main id="main" ref={main} tabIndex={-1}>
        <Stack maw={1400} mx="auto">
          <News />
          <Outlet />
        </Stack>
      </AppShell.Main>
      <Help opened={help} close={helpIs.close} keys={keys} />
    </AppShell>
  );
}

function LogOut({ session }: { readonly session: Session }) {
  const queries = useQueryClient();
  const out = useMutation({ mutationFn: () => logOut(session), onSettled: () => queries.resetQueries() });
  return (
    <Button variant="subtle" loading={out.isPending} onClick={() => out.mutate()}>
      Log out {session.name}
    </Button>
  );
}

function Navigation({ path, session }: { readonly path: string; readonly session: Session | undefined }) {
  const isAdmin = session?.grants.some(({ role, scope }) => role === 'admin' && scope.kind === 'all') ?? false;
  return (
    <AppShell.Navbar p="xs" aria-label="Pages">
      {pages.map(({ to, label, admin }) => {
        if (admin === true && !isAdmin) return null;
        const here = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
        return (
          <NavLink
            key={to}
            renderRoot={(props) => <Link to={to} {...props} />}
            label={label}
            active={here}
            variant="subtle"
            color="gray"
            className="nav"
            {...(here ? { 'aria-current': 'page' as const } : {})}
          />
        );
      })}
    </AppShell.Navbar>
  );
}

/** What is old, a sample, or not there at all: said on every page. */
function News() {
  const status = useQuery({ queryKey: ['status'], queryFn: () => api.status() });
  return (
    <>
      {status.error !== null && (
        <Notice tone="bad" name="The server does not answer">
          {status.error.message}. What you see may be old.
        </Notice>
      )}
      {status.data !== undefined && <Warnings status={status.data} />}
    </>
  );
}
