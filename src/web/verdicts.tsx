import { Alert, Badge, Button, Group, Skeleton, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import type { VerdictQuery, VerdictView } from '#contract';
import type { VerdictStatus } from '#domain';
import type { View } from './address.ts';
import { api } from './api.ts';
import { classWords, reachWords, rungWords, severityColors, severityText, sourceWords, statusWords } from './words.ts';

const PAGE = 100;
const OUTCOMES: Readonly<Record<string, string>> = {
  clears: 'dismisses it',
  supports: 'affected',
  inconclusive: 'does not decide',
};

/** The CVEs of a kernel in the order in which they matter; a row opens why it stands there, and its evidence. */
export function Verdicts({ view, change }: { readonly view: View; readonly change: (part: Partial<View>) => void }) {
  const query: VerdictQuery = {
    limit: PAGE,
    q: view.q,
    ...(view.status === 'all' ? {} : { status: view.status as VerdictStatus }),
  };
  const pages = useInfiniteQuery({
    queryKey: ['verdicts', view.kernel, view.status, view.q],
    queryFn: ({ pageParam }) =>
      api.verdicts(view.kernel, { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
  });
  if (pages.isPending) return <Skeleton height={400} aria-label="loading" />;
  if (pages.isError) {
    return (
      <Alert color="red" title="The list could not be loaded" role="alert">
        {pages.error.message} <Button onClick={() => void pages.refetch()}>Try again</Button>
      </Alert>
    );
  }
  const rows = pages.data.pages.flatMap(({ verdicts }) => verdicts);
  if (rows.length === 0) return <Text p="lg">No CVE matches. {view.q === '' ? '' : 'Try fewer letters.'}</Text>;
  return (
    <Stack>
      <Table.ScrollContainer minWidth={340} type="native" tabIndex={0} aria-label="CVEs by priority">
        <Table highlightOnHover verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>CVE</Table.Th>
              <Table.Th>Severity</Table.Th>
              <Table.Th visibleFrom="sm">Verdict</Table.Th>
              <Table.Th>Title</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Fragment key={row.cve}>
                <Row
                  row={row}
                  open={view.cve === row.cve}
                  toggle={() => change({ cve: view.cve === row.cve ? '' : row.cve })}
                />
                {view.cve === row.cve && <Details row={row} />}
              </Fragment>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {pages.hasNextPage && (
        <Button variant="default" onClick={() => void pages.fetchNextPage()} loading={pages.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </Stack>
  );
}

function Row({
  row,
  open,
  toggle,
}: {
  readonly row: VerdictView;
  readonly open: boolean;
  readonly toggle: () => void;
}) {
  return (
    <Table.Tr>
      <Table.Td>
        <UnstyledButton
          onClick={toggle}
          aria-expanded={open}
          ff="monospace"
          fz="sm"
          fw={600}
          td="underline"
          style={{ whiteSpace: 'nowrap' }}
        >
          {row.cve}
        </UnstyledButton>
      </Table.Td>
      <Table.Td>
        <Badge color={severityColors[row.severity]} variant="filled" autoContrast tt="none" miw="max-content">
          {severityText(row)}
        </Badge>
        {row.class !== null && classWords[row.class] !== undefined && (
          <Text size="sm" fw={700}>
            {classWords[row.class]}
          </Text>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">{statusWords[row.status]}</Table.Td>
      <Table.Td>
        {row.title}
        {row.reach !== null && row.reach !== 'unknown' && (
          <Text size="sm" c="dimmed">
            Reached {reachWords[row.reach]}.
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {row.evidence.at(-1)?.sentence}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

function Details({ row }: { readonly row: VerdictView }) {
  return (
    <Table.Tr>
      <Table.Td colSpan={4} bg="var(--mantine-color-default-hover)">
        <Stack gap="xs" p="sm" component="section" aria-label={`Evidence for ${row.cve}`}>
          <Text fw={600}>Why {statusWords[row.status].toLowerCase()}</Text>
          {row.evidence.map(({ rung, outcome, sentence }, i) => (
            <Group key={rung} align="baseline" gap="xs" wrap="nowrap">
              <Text size="sm" fw={600} miw={90}>
                {i + 1}. {rungWords[rung] ?? rung}
              </Text>
              <Text size="sm">
                <b>{OUTCOMES[outcome]}:</b> {sentence}
              </Text>
            </Group>
          ))}
          <Standing cve={row.cve} />
          <Text size="sm" ff="monospace">
            {row.files.join('  ')}
          </Text>
          {row.vector !== null && (
            <Text size="sm" ff="monospace">
              {row.vector}
            </Text>
          )}
        </Stack>
      </Table.Td>
    </Table.Tr>
  );
}

/** Why it stands where it stands: every term, and what each source says, with its time. */
function Standing({ cve }: { readonly cve: string }) {
  const standing = useQuery({ queryKey: ['standing', cve], queryFn: () => api.standing(cve) });
  if (standing.isPending) return <Skeleton height={60} />;
  if (standing.isError) return <Text size="sm">Why it stands here could not be loaded: {standing.error.message}</Text>;
  const { terms, signals } = standing.data;
  return (
    <Stack gap={4} component="section" aria-label={`Priority of ${cve}`}>
      <Text fw={600}>Why it stands here</Text>
      {terms.map(({ name, sentence }) => (
        <Text key={name} size="sm">
          {sentence}
        </Text>
      ))}
      {signals.map(({ source, at, readAt, sentence }) => (
        <Text key={source} size="sm">
          <b>{sourceWords[source] ?? source}</b> ({(at ?? readAt).slice(0, 10)}): {sentence}
        </Text>
      ))}
    </Stack>
  );
}
