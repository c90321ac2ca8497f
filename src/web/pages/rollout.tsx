import { Group, Progress, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { RolloutDetail } from '#contract';
import { api } from '../parts/api.ts';
import { Facts } from '../parts/facts.tsx';
import { A } from '../parts/link.tsx';
import { Notice } from '../parts/notice.tsx';
import { PhaseWord } from '../parts/rollout-words.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { RolloutAsk } from './rollout-ask.tsx';

/** One rollout: how far it is, who failed, what people asked for, what was done and why. */
export function RolloutPage() {
  const { id } = useParams({ from: '/rollouts/$id' });
  const rollout = useQuery({ queryKey: ['rollout', id], queryFn: () => api.rollout(id) });
  return (
    <Answer query={rollout} height={500}>
      {(data) => (
        <Stack gap="xl">
          <Stack gap="xs">
            <PageTitle name={`Release ${data.release} of ${data.kernel ?? data.buildId}`} />
            <Group gap="xs">
              <PhaseWord rollout={data} />
            </Group>
            <Stops rollout={data} />
          </Stack>
          <RolloutAsk rollout={data} />
          <Part name="Rings">
            <Rings rings={data.rings} />
          </Part>
          <Part name="Failed hosts">
            <Failures rollout={data} />
          </Part>
          <Part name="Where it stands">
            <Facts facts={factsOf(data)} />
          </Part>
          <Part name="What was done">
            <Events events={data.events} />
          </Part>
        </Stack>
      )}
    </Answer>
  );
}

function Stops({ rollout: { stop, waiting, expeditedBy } }: { readonly rollout: RolloutDetail }) {
  return (
    <>
      {stop !== null && (
        <Text role="alert" style={{ overflowWrap: 'anywhere' }}>
          {stop.why} ({stop.code})
        </Text>
      )}
      {expeditedBy.length > 0 && (
        <Notice tone="bad" name="Hurried">
          {expeditedBy.join(' and ')} asked for it: no soak beyond the signed floors, and no windows.
        </Notice>
      )}
      {waiting.map(({ do: what, by, reason, at }) => (
        <Notice key={`${at} ${what}`} tone="wary" name={`Asked for, not done yet: ${what}`}>
          by {by}, <Time at={at} ago />: {reason}. The next round of the controller takes it; if this stays, no
          controller runs.
        </Notice>
      ))}
    </>
  );
}

function Rings({ rings }: { readonly rings: RolloutDetail['rings'] }) {
  return (
    <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="group" aria-label="Rings">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Ring</Table.Th>
            <Table.Th>Opened so far</Table.Th>
            <Table.Th>Steps</Table.Th>
            <Table.Th>Control group</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rings.map(({ name, open, steps, control }) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td miw={120}>
                {open} % <Progress value={open} color="teal.9" aria-label={`${name}: ${open} % opened`} />
              </Table.Td>
              <Table.Td>
                {steps.map(({ percent, soakSeconds }) => `${percent} % ${spanText(soakSeconds)}`).join(', ')}
              </Table.Td>
              <Table.Td>{control === 0 ? 'none' : `${control} %`}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Failures({ rollout: { failures, failed } }: { readonly rollout: RolloutDetail }) {
  if (failed === 0) return <Empty>No host failed. A host that says nothing has not failed yet: see the fleet.</Empty>;
  return (
    <Stack gap={4}>
      {failures.map(({ host, kind, what }) => (
        <Text key={host} size="sm" style={{ overflowWrap: 'anywhere' }}>
          <A to="/hosts/$id" params={{ id: host }} size="sm">
            {host}
          </A>{' '}
          {kind}: {what}
        </Text>
      ))}
      {failed > failures.length && <Text className="quiet">and {failed - failures.length} more</Text>}
    </Stack>
  );
}

function Events({ events }: { readonly events: RolloutDetail['events'] }) {
  if (events.length === 0) return <Empty>No round of a controller has seen it.</Empty>;
  return (
    <ol className="timeline">
      {events.map(({ at, what, why, evidence }, i) => (
        // oxlint-disable-next-line no-array-index-key -- two rounds may do the same word for word
        <li key={i}>
          <Time at={at} /> <b>{what}</b>, because {why}
          {evidence.length > 0 && (
            <Text component="div" className="quiet" style={{ overflowWrap: 'anywhere' }}>
              {evidence.join('; ')}
            </Text>
          )}
        </li>
      ))}
    </ol>
  );
}

function factsOf(rollout: RolloutDetail): [string, React.ReactNode][] {
  const { kernel, buildId, sha256, at, soakedSeconds, stuck, held, createdBy, createdAt } = rollout;
  return [
    [
      'Kernel',
      kernel === null ? (
        'not known here'
      ) : (
        <A key="kernel" to="/kernels/$kernel" params={{ kernel }} size="sm">
          {kernel}
        </A>
      ),
    ],
    ['Build-id', buildId],
    ['Module', `SHA-256 ${sha256}`],
    ['Step', at === null ? 'did not begin' : `${at.ring} ${at.percent} %, soaked ${spanText(soakedSeconds)}`],
    ['Waiting for others', stuck === 0 ? 'no host' : `${stuck} hosts wait for others which cannot be reached`],
    ['Kept out', held.join(', ') || 'no host'],
    [
      'Made',
      <>
        by {createdBy}, <Time key="made" at={createdAt} />
      </>,
    ],
  ];
}

function spanText(seconds: number): string {
  if (seconds >= 7_200) return `${Math.floor(seconds / 3_600)} h`;
  return seconds >= 120 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`;
}
