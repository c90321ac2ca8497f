import { Group, NativeSelect, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Builders as BuilderList, Job, JobQuery } from '#contract';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { WordBadge } from '../parts/badges.tsx';
import { Export } from '../parts/export.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { A } from '../parts/link.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

const DEFAULTS = { state: '', builder: '' };
const STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export const JOB_TONES = { queued: 'plain', running: 'wary', done: 'good', failed: 'bad', cancelled: 'plain' } as const;

/** The machines that make livepatches, and what they make. */
export function Builders() {
  const [{ state, builder }, change] = useAddress(DEFAULTS);
  const builders = useQuery({ queryKey: ['builders'], queryFn: () => api.builders() });
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const words = { ...(state && { state }), ...(builder && { builder }), ...(cursor && { cursor }) } as JobQuery;
    const { jobs, next } = await api.jobs({ limit, ...words });
    return { rows: jobs, next };
  };
  const query = useLines(['jobs', state, builder], fetchPage);
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="Builders and jobs" />
        <Export name="jobs" fetchPage={fetchPage} />
      </Group>
      <Answer query={builders} height={90}>
        {(list) => <BuilderTiles builders={list} choose={(name) => change({ builder: name })} />}
      </Answer>
      <Part
        name="Jobs"
        right={
          <NativeSelect
            aria-label="State"
            value={state}
            data={[{ value: '', label: 'Any state' }, ...STATES.map((value) => ({ value, label: value }))]}
            onChange={(event) => change({ state: event.currentTarget.value })}
          />
        }
      >
        {builder !== '' && (
          <Text size="sm">
            Only those of builder {builder}.{' '}
            <A to="/builders" size="sm">
              Of all builders
            </A>
          </Text>
        )}
        <Lines
          label="Jobs"
          query={query}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          heights={[58, 100]}
          empty="No job. Livepatches are made here until “livepatch.builders” is true."
        />
      </Part>
    </Stack>
  );
}

function BuilderTiles({
  builders,
  choose,
}: {
  readonly builders: BuilderList;
  readonly choose: (name: string) => void;
}) {
  if (builders.length === 0) return <Empty>No builder was added: “tuxtape builder add” makes the token of one.</Empty>;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      {builders.map(({ name, version, seenAt, removedAt, kernels }) => (
        <Paper key={name} withBorder p="sm" component="section" aria-label={name}>
          <A
            to="/builders"
            search={{ builder: name } as never}
            fw={600}
            onClick={(event) => {
              event.preventDefault();
              choose(name);
            }}
          >
            {name}
          </A>
          {removedAt !== null && <WordBadge tone="plain">Removed</WordBadge>}
          <Text className="quiet">
            {version ?? 'version not known'}, last word <Time at={seenAt} ago />
          </Text>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {kernels.length === 0 ? 'has no kernel' : `has ${kernels.join(', ')}`}
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}

const COLUMNS: readonly Column<Job>[] = [
  {
    name: 'Job',
    width: 'minmax(0, 1fr)',
    cell: ({ id, moduleName, kernel, cves, state }) => (
      <>
        <A to="/builders/jobs/$id" params={{ id }} fw={600} size="sm">
          {moduleName}
        </A>
        <div className="quiet one-line">
          {kernel}: {cves.join(', ')}
        </div>
        <Group hiddenFrom="md">
          <WordBadge tone={JOB_TONES[state]}>{state}</WordBadge>
        </Group>
      </>
    ),
  },
  {
    name: 'State',
    width: '8rem',
    cell: ({ state }) => <WordBadge tone={JOB_TONES[state]}>{state}</WordBadge>,
    wideOnly: true,
  },
  { name: 'Builder', width: '9rem', cell: ({ builder }) => builder ?? 'none yet', wideOnly: true },
  { name: 'Attempt', width: '5rem', cell: ({ attempt }) => attempt, wideOnly: true },
  { name: 'Asked for', width: '11rem', cell: ({ queuedAt }) => <Time at={queuedAt} />, wideOnly: true },
];
