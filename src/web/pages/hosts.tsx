import { Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { HostLine, HostQuery } from '#contract';
import { hostFlags, hostStates } from '#domain';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { Export } from '../parts/export.tsx';
import { HostWords } from '../parts/host-words.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { A } from '../parts/link.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Answer, PageTitle } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { FleetSummary } from './fleet-summary.tsx';

const DEFAULTS = { q: '', group: '', ring: '', state: '', flag: '', silent: '', buildId: '' };

/** Every host, what runs there and since when nobody heard of it. */
export function Hosts() {
  const [view, change] = useAddress(DEFAULTS);
  const fleet = useQuery({ queryKey: ['fleet'], queryFn: () => api.fleet() });
  const filter = Object.fromEntries(Object.entries(view).filter(([, value]) => value !== '')) as HostQuery;
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const { hosts, next } = await api.hosts({ ...filter, limit, ...(cursor && { cursor }) });
    return { rows: hosts, next };
  };
  const query = useLines(['hosts', filter], fetchPage);
  const total = fleet.data?.groups.reduce((sum, { hosts }) => sum + hosts, 0);
  const filtered = Object.keys(filter).length > 0;
  const select = (
    name: 'group' | 'state' | 'flag' | 'silent',
    label: string,
    data: { value: string; label: string }[],
  ) => (
    <NativeSelect
      aria-label={label}
      value={view[name]}
      data={[{ value: '', label: `Any ${label.toLowerCase()}` }, ...data]}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="Fleet" />
        <Export name="hosts" fetchPage={fetchPage} {...(total !== undefined && !filtered && { total })} />
      </Group>
      <Answer query={fleet} height={120}>
        {(data) => <FleetSummary summary={data} />}
      </Answer>
      <Group gap="xs" className="facets">
        <SearchField label="Name begins with" value={view.q} onSearch={(q) => change({ q }, 'typing')} />
        {select(
          'group',
          'Group',
          (fleet.data?.groups ?? []).map(({ group }) => ({ value: group, label: group })),
        )}
        {select('state', 'State', hostStates.map(same))}
        {select('flag', 'Flag', hostFlags.map(same))}
        {select('silent', 'Word of it', [{ value: 'true', label: 'Silent only' }])}
      </Group>
      {view.buildId !== '' && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          Only hosts on the kernel with build-id {view.buildId}.{' '}
          <A to="/hosts" size="sm">
            All hosts
          </A>
        </Text>
      )}
      <Lines
        label="Hosts"
        query={query}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        heights={[58, 104]}
        total={filtered ? undefined : total}
        empty={
          filtered
            ? 'No host matches. Try other choices.'
            : 'No host has enrolled yet: “tuxtape host token” lets one in.'
        }
      />
    </Stack>
  );
}

function same(value: string): { value: string; label: string } {
  return { value, label: value };
}

const COLUMNS: readonly Column<HostLine>[] = [
  {
    name: 'Host',
    width: 'minmax(0, 1fr)',
    cell: (host) => (
      <>
        <A to="/hosts/$id" params={{ id: host.id }} fw={600} size="sm">
          {host.name}
        </A>
        <div className="quiet one-line">
          {host.group}
          {host.ring === null ? '' : `, ring ${host.ring}`}
        </div>
        <Group gap={4} hiddenFrom="md">
          <HostWords host={host} />
        </Group>
      </>
    ),
  },
  {
    name: 'Kernel',
    width: 'minmax(0, 1fr)',
    cell: ({ release }) => <span className="one-line">{release ?? 'never said'}</span>,
    wideOnly: true,
  },
  {
    name: 'State',
    width: 'minmax(0, 1.2fr)',
    cell: (host) => (
      <Group gap={4}>
        <HostWords host={host} />
      </Group>
    ),
    wideOnly: true,
  },
  { name: 'Last word', width: '9rem', cell: ({ seenAt }) => <Time at={seenAt} ago />, wideOnly: true },
];
