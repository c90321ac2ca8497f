import { Alert, Button, Skeleton, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import type { VerdictQuery, VerdictView } from '#contract';
import type { VerdictStatus } from '#domain';
import { api } from '../parts/api.ts';
import { SeverityBadge } from '../parts/badges.tsx';
import { Ladder } from '../parts/ladder.tsx';
import { A } from '../parts/link.tsx';
import { Standing } from '../parts/standing.tsx';
import { classWords, reachWords, statusWords } from '../parts/words.ts';
import type { KernelView } from './kernel-view.ts';

const PAGE = 100;
/** The CVEs of a kernel in the order in which they matter; a row opens why it stands there, and its evidence. */
export function Verdicts({
  kernel,
  view,
  change,
}: {
  readonly kernel: string;
  readonly view: KernelView;
  readonly change: (part: Partial<KernelView>) => void;
}) {
  const query: VerdictQuery = {
    limit: PAGE,
    q: view.q,
    ...(view.status === 'all' ? {} : { status: view.status as VerdictStatus }),
  };
  const pages = useInfiniteQuery({
    queryKey: ['verdicts', kernel, view.status, view.q],
    queryFn: ({ pageParam }) => api.verdicts(kernel, { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) }),
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
        <SeverityBadge of={row} />
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
          <Ladder evidence={row.evidence} />
          <Standing cve={row.cve} />
          <A to="/cves/$cve" params={{ cve: row.cve }} size="sm">
            {row.cve} in all kernels
          </A>
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
