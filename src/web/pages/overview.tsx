import { Paper, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Overview as OverviewData } from '#contract';
import { severities } from '#domain';
import { api } from '../parts/api.ts';
import { SeverityBadge, StatusBadge } from '../parts/badges.tsx';
import { Freshness } from '../parts/freshness.tsx';
import { A } from '../parts/link.tsx';
import { ReportList } from '../parts/report-list.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { severityWords } from '../parts/words.ts';

/** Bands that are told kernel by kernel; the rest is one number. */
const SHOWN = severities.filter((severity) => severity !== 'none' && severity !== 'not-scored');

/** What is on fire: by kernel, in the fleet, and since when we know. */
export function Overview() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => api.overview() });
  const status = useQuery({ queryKey: ['status'], queryFn: () => api.status() });
  return (
    <Stack gap="xl">
      <PageTitle name="Overview" />
      <Answer query={overview} height={500}>
        {(data) => (
          <>
            <Exposure kernels={data.kernels} />
            <FleetTiles hosts={data.hosts} />
            <Part
              name="Blamed on a livepatch"
              right={
                <A to="/reports" size="sm">
                  All kernel reports
                </A>
              }
            >
              {data.blamed.length === 0 ? (
                <Empty>No kernel reported trouble that a livepatch is blamed for.</Empty>
              ) : (
                <ReportList reports={data.blamed} />
              )}
            </Part>
            <Changes changes={data.changes} />
          </>
        )}
      </Answer>
      <Part name="Sources">
        <Answer query={status} height={40}>
          {(data) => <Freshness status={data} />}
        </Answer>
      </Part>
    </Stack>
  );
}

function Exposure({ kernels }: { readonly kernels: OverviewData['kernels'] }) {
  if (kernels.length === 0)
    return <Empty>There is no kernel yet. Add one with “tuxtape kernel add”, then its CVEs stand here.</Empty>;
  return (
    <Part
      name="Affected, by kernel"
      right={
        <A to="/cves" size="sm">
          All CVEs
        </A>
      }
    >
      <Table.ScrollContainer minWidth={520} type="native" tabIndex={0} role="group" aria-label="Affected, by kernel">
        <Table highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Kernel</Table.Th>
              {SHOWN.map((severity) => (
                <Table.Th key={severity} ta="right">
                  {severityWords[severity]}
                </Table.Th>
              ))}
              <Table.Th ta="right">Not scored</Table.Th>
              <Table.Th ta="right">Not decided</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {kernels.map((kernel) => (
              <KernelRow key={kernel.name} kernel={kernel} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Part>
  );
}

function KernelRow({ kernel }: { readonly kernel: OverviewData['kernels'][number] }) {
  const { name, version, bundled, decided, affected, open } = kernel;
  const link = (
    <Table.Td>
      <A to="/kernels/$kernel" params={{ kernel: name }} fw={600}>
        {name}
      </A>
      <Text size="sm" c="dimmed">
        {version}
        {bundled ? ', sample' : ''}
      </Text>
    </Table.Td>
  );
  if (!decided)
    return (
      <Table.Tr>
        {link}
        <Table.Td colSpan={SHOWN.length + 2}>
          <StatusBadge status={null} /> Nothing is known of it yet, which is not the same as nothing to do.
        </Table.Td>
      </Table.Tr>
    );
  return (
    <Table.Tr>
      {link}
      {SHOWN.map((severity) => (
        <Table.Td key={severity} ta="right" fw={affected[severity] > 0 ? 700 : 400}>
          {affected[severity].toLocaleString('en')}
        </Table.Td>
      ))}
      <Table.Td ta="right">{affected['not-scored'].toLocaleString('en')}</Table.Td>
      <Table.Td ta="right">{open.toLocaleString('en')}</Table.Td>
    </Table.Tr>
  );
}

function FleetTiles({ hosts }: { readonly hosts: OverviewData['hosts'] }) {
  if (hosts.all === 0)
    return (
      <Part name="Fleet">
        <Empty>No host has enrolled yet: what runs where is not known.</Empty>
      </Part>
    );
  const tiles = [
    { name: 'Hosts', value: hosts.all, what: 'that enrolled', search: {} },
    {
      name: 'Silent',
      value: hosts.silent,
      what: 'missed three check-ins: unknown, not well',
      search: { silent: 'true' },
    },
    { name: 'Unknown kernel', value: hosts.unknownKernel, what: 'what matters to them nobody can say', search: null },
    { name: 'Flagged', value: hosts.flagged, what: 'cannot be believed as they are', search: null },
  ];
  return (
    <Part
      name="Fleet"
      right={
        <A to="/hosts" size="sm">
          All hosts
        </A>
      }
    >
      <SimpleGrid cols={{ base: 2, lg: 4 }}>
        {tiles.map(({ name, value, what, search }) => (
          <Paper key={name} withBorder p="sm">
            {search === null ? (
              <Text size="sm">{name}</Text>
            ) : (
              <A to="/hosts" search={search as never} size="sm">
                {name}
              </A>
            )}
            <Text fz={28} fw={700} lh={1.2}>
              {value.toLocaleString('en')}
            </Text>
            <Text size="sm" c="dimmed">
              {what}
            </Text>
          </Paper>
        ))}
      </SimpleGrid>
    </Part>
  );
}

function Changes({ changes }: { readonly changes: OverviewData['changes'] }) {
  return (
    <Part name="Changed lately">
      {changes.length === 0 && <Empty>No verdict has changed yet.</Empty>}
      {changes.slice(0, 15).map(({ cve, title, severity, kernel, before, after, at }) => (
        <div key={`${cve} ${kernel} ${at}`} className="change">
          <div className="change-head">
            <A to="/cves/$cve" params={{ cve }} ff="monospace" size="sm" fw={600}>
              {cve}
            </A>
            <SeverityBadge of={{ severity, score: null, predicted: null }} />
            <StatusBadge status={before} />
            <span aria-label="became">→</span>
            <StatusBadge status={after} />
            <span className="quiet">
              in {kernel}, <Time at={at} ago />
            </span>
          </div>
          <Text size="sm" className="two-lines">
            {title}
          </Text>
        </div>
      ))}
    </Part>
  );
}
