import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api } from '../parts/api.ts';
import { WordBadge } from '../parts/badges.tsx';
import { Facts } from '../parts/facts.tsx';
import { Answer, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { JOB_TONES } from './builders.tsx';

const WATCH_MS = 3_000;

/** One job of a builder with the end of its log, read again while it runs. */
export function Job() {
  const { id } = useParams({ from: '/builders/jobs/$id' });
  const job = useQuery({
    queryKey: ['job', id],
    queryFn: () => api.job(id),
    refetchInterval: ({ state }) =>
      state.data?.state === 'running' || state.data?.state === 'queued' ? WATCH_MS : false,
  });
  return (
    <Answer query={job} height={400}>
      {(data) => (
        <Stack gap="xl">
          <Stack gap="xs">
            <PageTitle name={`Job ${data.moduleName}`} />
            <Group>
              <WordBadge tone={JOB_TONES[data.state]}>{data.state}</WordBadge>
            </Group>
            {data.error !== null && (
              <Text role="alert" style={{ overflowWrap: 'anywhere' }}>
                {data.error.code}: {data.error.what}
                {data.error.remedy === null ? '' : `. ${data.error.remedy}`}
              </Text>
            )}
          </Stack>
          <Facts
            facts={[
              ['Kernel', data.kernel],
              ['CVEs', data.cves.join(', ') || 'none'],
              ['Builder', data.builder ?? 'none yet'],
              ['Attempts', `${data.attempt}, of which ${data.deaths} ended without a word`],
              ['Asked for', <Time key="queued" at={data.queuedAt} />],
              ['By', data.requestedBy],
              ['Started', <Time key="started" at={data.startedAt} />],
              ['Ended', <Time key="ended" at={data.endedAt} />],
            ]}
          />
          <Part name="Log">
            <pre className="log" tabIndex={0} role="group" aria-label="Log">
              {data.log === '' ? '(nothing yet)' : data.log}
            </pre>
          </Part>
        </Stack>
      )}
    </Answer>
  );
}
