import { Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Rollout } from '#contract';
import { api } from '../parts/api.ts';
import { A } from '../parts/link.tsx';
import { PhaseWord } from '../parts/rollout-words.tsx';
import { Answer, Empty, PageTitle } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

/** Releases on their way to hosts, the newest first. */
export function Rollouts() {
  const rollouts = useQuery({ queryKey: ['rollouts'], queryFn: () => api.rollouts() });
  return (
    <Stack>
      <PageTitle name="Rollouts" />
      <Answer query={rollouts} height={300}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty>No release is on its way: “tuxtape rollout start” brings one to its hosts.</Empty>
          ) : (
            rows.map((row) => <Line key={row.id} rollout={row} />)
          )
        }
      </Answer>
    </Stack>
  );
}

function Line({ rollout }: { readonly rollout: Rollout }) {
  const { id, kernel, buildId, release, at, failed, stop, createdBy, createdAt } = rollout;
  const name = `Release ${release} of ${kernel ?? buildId}`;
  return (
    <Paper withBorder p="sm" component="section" aria-label={name}>
      <Stack gap={4}>
        <Text component="div">
          <A to="/rollouts/$id" params={{ id }} fw={600} style={{ overflowWrap: 'anywhere' }}>
            {name}
          </A>{' '}
          <PhaseWord rollout={rollout} />
        </Text>
        {stop !== null && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {stop.why}
          </Text>
        )}
        <Text className="quiet">
          {at === null ? 'did not begin' : `at ${at.ring} ${at.percent} %`}, {failed} failed, made by {createdBy}{' '}
          <Time at={createdAt} ago />
        </Text>
      </Stack>
    </Paper>
  );
}
