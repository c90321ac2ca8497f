import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { HostDetail } from '#contract';
import { api } from '../parts/api.ts';
import { Facts } from '../parts/facts.tsx';
import { HostWords } from '../parts/host-words.tsx';
import { A } from '../parts/link.tsx';
import { ReportList } from '../parts/report-list.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

/** One host: where it stands, what happened to it, what its kernel reported. */
export function Host() {
  const { id } = useParams({ from: '/hosts/$id' });
  const host = useQuery({ queryKey: ['host', id], queryFn: () => api.host(id) });
  return (
    <Answer query={host} height={500}>
      {(data) => (
        <Stack gap="xl">
          <Stack gap="xs">
            <PageTitle name={data.name} />
            <Group gap="xs">
              <HostWords host={data} />
            </Group>
            {data.alarm !== null && (
              <Text role="alert" style={{ overflowWrap: 'anywhere' }}>
                Alarm: {data.alarm}
              </Text>
            )}
          </Stack>
          <Part name="What it said">
            <Facts facts={factsOf(data)} />
          </Part>
          <Part name="Kernel reports">
            {data.reports.length === 0 ? (
              <Empty>Its kernel reported nothing.</Empty>
            ) : (
              <ReportList reports={data.reports} />
            )}
          </Part>
          <Part name="Timeline">
            {data.events.length === 0 && <Empty>Nothing has happened yet.</Empty>}
            <ol className="timeline">
              {data.events.map(({ at, kind, detail }, i) => (
                // oxlint-disable-next-line no-array-index-key -- two events may be the same word for word
                <li key={i}>
                  <Time at={at} /> <b>{kind}</b>{' '}
                  <Text span ff="monospace" size="sm">
                    {detail}
                  </Text>
                </li>
              ))}
            </ol>
          </Part>
        </Stack>
      )}
    </Answer>
  );
}

function factsOf(host: HostDetail): [string, React.ReactNode][] {
  const { kernel, release, buildId, group, ring, labels, agent, level, seenAt, saidAt, uptimeSeconds } = host;
  return [
    ['Last word', <Time key="seen" at={seenAt} />],
    ['Its clock then', saidAt ?? 'never said'],
    [
      'Kernel',
      kernel === null ? (
        `${release ?? 'never said'}: not known here, so nobody can say what matters to it`
      ) : (
        <A key="kernel" to="/kernels/$kernel" params={{ kernel }} size="sm">
          {kernel}
        </A>
      ),
    ],
    ['Build-id', buildId ?? 'never said'],
    ['Group and ring', `${group}${ring === null ? '' : `, ${ring}`}`],
    [
      'Labels',
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ') || 'none',
    ],
    ['Agent', `${agent ?? 'never said'}, level ${level ?? 'never said'}`],
    ['Up for', `${Math.floor(uptimeSeconds / 86_400)} days, ${Math.floor((uptimeSeconds % 86_400) / 3600)} hours`],
    ['Archive', host.archiveError === null ? 'answered and was believed' : `failed: ${host.archiveError}`],
    ['Enrolled', <Time key="enrolled" at={host.enrolledAt} />],
    ...(host.decommissionedAt === null
      ? []
      : ([['Taken away', <Time key="gone" at={host.decommissionedAt} />]] as [string, React.ReactNode][])),
  ];
}
