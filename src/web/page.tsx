import {
  ActionIcon,
  Alert,
  Button,
  Container,
  Group,
  NativeSelect,
  Skeleton,
  Stack,
  TextInput,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Session } from '#contract';
import { useView, type View } from './address.ts';
import { api, logOut } from './api.ts';
import { Freshness } from './freshness.tsx';
import { LoginPage } from './login.tsx';
import { Tiles } from './tiles.tsx';
import { Verdicts } from './verdicts.tsx';
import { statusWords } from './words.ts';

const SEARCH_DELAY_MS = 200;
const STATUSES = [
  ...Object.entries(statusWords).map(([value, label]) => ({ value, label })),
  { value: 'all', label: 'All verdicts' },
];

/** The page, or, where this server has accounts and nobody is logged in, the login. */
export function Page() {
  const session = useQuery({ queryKey: ['session'], queryFn: () => api.session() });
  if (session.data?.as === 'nobody') return <LoginPage oidc={session.data.oidc} />;
  return <Overview session={session.data} />;
}

/** How fresh the data is, what was decided for a kernel, and the CVEs by severity with their evidence. */
function Overview({ session }: { readonly session: Session | undefined }) {
  const [view, change] = useView();
  const status = useQuery({ queryKey: ['status'], queryFn: () => api.status() });
  const kernels = useQuery({ queryKey: ['kernels'], queryFn: () => api.kernels() });
  const kernel = view.kernel === '' ? (kernels.data?.[0]?.name ?? '') : view.kernel;
  const failed = status.error ?? kernels.error;
  return (
    <Container component="main" size="xl" py="md">
      <Stack>
        <Group justify="space-between">
          <Title order={1} size="h2">
            TuxTape
          </Title>
          <Group gap="xs">
            <NativeSelect
              aria-label="Kernel"
              value={kernel}
              onChange={(event) => change({ kernel: event.currentTarget.value, cve: '' })}
              data={(kernels.data ?? []).map(({ name, bundled }) => ({
                value: name,
                label: bundled ? `${name} (sample)` : name,
              }))}
            />
            {session?.as === 'session' && <LogOut session={session} />}
            <Theme />
          </Group>
        </Group>
        {failed !== null && (
          <Alert color="red" title="The server does not answer" role="alert">
            {failed.message}. What you see may be old.
          </Alert>
        )}
        {status.data === undefined ? <Skeleton height={24} /> : <Freshness status={status.data} />}
        {kernel !== '' && <KernelView view={{ ...view, kernel }} change={change} />}
      </Stack>
    </Container>
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

function KernelView({ view, change }: { readonly view: View; readonly change: (part: Partial<View>) => void }) {
  const summary = useQuery({ queryKey: ['summary', view.kernel], queryFn: () => api.summary(view.kernel) });
  const search = useDebouncedCallback((q: string) => change({ q, cve: '' }), SEARCH_DELAY_MS);
  return (
    <>
      {summary.data === undefined ? <Skeleton height={120} /> : <Tiles summary={summary.data} />}
      <Group>
        <TextInput
          aria-label="Search CVE, title or file"
          placeholder="Search CVE, title or file"
          defaultValue={view.q}
          onChange={(event) => search(event.currentTarget.value)}
          style={{ flex: 1 }}
        />
        <NativeSelect
          aria-label="Verdict"
          value={view.status}
          data={STATUSES}
          onChange={(event) => change({ status: event.currentTarget.value, cve: '' })}
        />
      </Group>
      <Verdicts view={view} change={change} />
    </>
  );
}

function Theme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const dark =
    colorScheme === 'dark' || (colorScheme === 'auto' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={dark ? 'Use light colours' : 'Use dark colours'}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? '☀' : '☾'}
    </ActionIcon>
  );
}
