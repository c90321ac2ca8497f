import { Group, NativeSelect, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { CveFacetsView, CveFilterQuery, CveRowQuery, CveRowView } from '#contract';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { SeverityBadge } from '../parts/badges.tsx';
import { Export } from '../parts/export.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { A } from '../parts/link.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { PageTitle } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { classWords, reachWords, severityWords } from '../parts/words.ts';

const DEFAULTS = { q: '', file: '', severity: '', class: '', state: '', reach: '', sort: 'priority' };
type View = typeof DEFAULTS;

const CLASSES = { ...classWords, open: 'Open', rejected: 'Rejected' } as const;
const STATES = { published: 'Published', rejected: 'Rejected by the CNA' } as const;

/** Every CVE in everyone's order, narrowed by facets and words. */
export function Cves() {
  const [view, change] = useAddress(DEFAULTS);
  const { sort, ...words } = view;
  const filter = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== '')) as CveFilterQuery;
  const facets = useQuery({
    queryKey: ['cve-facets', filter],
    queryFn: () => api.cveFacets(filter),
    placeholderData: keepPreviousData,
  });
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const query: CveRowQuery = {
      ...filter,
      sort: sort === 'newest' ? 'newest' : 'priority',
      limit,
      ...(cursor && { cursor }),
    };
    const { cves, next } = await api.cveRows(query);
    return { rows: cves, next };
  };
  const query = useLines(['cves', filter, sort], fetchPage);
  const total = facets.data?.total;
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="CVEs" />
        <Export name="cves" fetchPage={fetchPage} {...(total !== undefined && { total })} />
      </Group>
      <Facets view={view} change={change} facets={facets.data} />
      <Text size="sm" c="dimmed">
        {total === undefined ? 'Counting' : `${total.toLocaleString('en')} CVEs`}
      </Text>
      <Lines
        label="CVEs"
        query={query}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        heights={[58, 112]}
        total={total}
        empty="No CVE matches. Try fewer words or other choices."
      />
    </Stack>
  );
}

function Facets({
  view,
  change,
  facets,
}: {
  readonly view: View;
  readonly change: (part: Partial<View>, how?: 'step' | 'typing') => void;
  readonly facets: CveFacetsView | undefined;
}) {
  const choices = (
    counts: Readonly<Record<string, number>> | undefined,
    words: Readonly<Record<string, string>>,
    all: string,
  ) => [
    { value: '', label: all },
    ...Object.entries(words).map(([value, word]) => {
      const count = counts?.[value];
      return { value, label: count === undefined ? word : `${word} (${count.toLocaleString('en')})` };
    }),
  ];
  const select = (name: 'severity' | 'class' | 'reach' | 'state', label: string, data: ReturnType<typeof choices>) => (
    <NativeSelect
      aria-label={label}
      value={view[name]}
      data={data}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <Group gap="xs" className="facets">
      <SearchField label="Search id, title, text" value={view.q} onSearch={(q) => change({ q }, 'typing')} />
      {select('severity', 'Severity', choices(facets?.severity, severityWords, 'Any severity'))}
      {select('class', 'Class', choices(facets?.class, CLASSES, 'Any class'))}
      {select('reach', 'Reach', choices(facets?.reach, reachWords, 'Any reach'))}
      {select('state', 'State', choices(facets?.state, STATES, 'Any state'))}
      <NativeSelect
        aria-label="Order"
        value={view.sort}
        data={[
          { value: 'priority', label: 'What matters first' },
          { value: 'newest', label: 'Newest first' },
        ]}
        onChange={(event) => change({ sort: event.currentTarget.value })}
      />
    </Group>
  );
}

const COLUMNS: readonly Column<CveRowView>[] = [
  {
    name: 'CVE',
    width: 'minmax(10rem, 12rem)',
    cell: ({ id, announced }) => (
      <>
        <A to="/cves/$cve" params={{ cve: id }} ff="monospace" size="sm" fw={600}>
          {id}
        </A>
        <div className="quiet">{announced === null ? 'no announcement' : <Time at={announced} ago />}</div>
      </>
    ),
    wideOnly: true,
  },
  {
    name: 'Severity',
    width: '11rem',
    cell: (row) => <SeverityBadge of={row} />,
    wideOnly: true,
  },
  {
    name: 'Title',
    width: 'minmax(0, 1fr)',
    cell: (row) => <Title row={row} />,
  },
  {
    name: 'Kernels affected',
    width: '9rem',
    cell: ({ affected, open }) => (
      <>
        <b>{affected.toLocaleString('en')}</b>
        {open > 0 && <span className="quiet"> and {open} not decided</span>}
      </>
    ),
    wideOnly: true,
  },
];

/** On a narrow screen it says all that the other columns do. */
function Title({ row }: { readonly row: CveRowView }) {
  const { id, title, reach, state, affected } = row;
  const standing = row.class === null ? undefined : classWords[row.class];
  const said = [
    state === 'rejected' ? 'Rejected' : standing,
    reach === null || reach === 'unknown' ? undefined : `reached ${reachWords[reach]}`,
  ].filter((word) => word !== undefined);
  return (
    <>
      <Group gap="xs" hiddenFrom="md" wrap="nowrap">
        <A to="/cves/$cve" params={{ cve: id }} ff="monospace" size="sm" fw={600}>
          {id}
        </A>
        <SeverityBadge of={row} />
      </Group>
      <div className="two-lines" title={title}>
        {title}
      </div>
      {said.length > 0 && <div className="quiet one-line">{said.join(', ')}</div>}
      <Text className="quiet" hiddenFrom="md">
        {affected} {affected === 1 ? 'kernel' : 'kernels'} affected
      </Text>
    </>
  );
}
