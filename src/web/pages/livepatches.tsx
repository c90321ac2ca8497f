import { Group, Stack } from '@mantine/core';
import type { LivepatchLineView, LivepatchQuery } from '#contract';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { WordBadge } from '../parts/badges.tsx';
import { Export } from '../parts/export.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { A } from '../parts/link.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { PageTitle } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

const DEFAULTS = { kernel: '', cve: '' };

/** Every livepatch that was built, the newest first. */
export function Livepatches() {
  const [{ kernel, cve }, change] = useAddress(DEFAULTS);
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const query: LivepatchQuery = { limit, ...(kernel && { kernel }), ...(cve && { cve }), ...(cursor && { cursor }) };
    const { livepatches, next } = await api.livepatches(query);
    return { rows: livepatches, next };
  };
  const query = useLines(['livepatches', kernel, cve], fetchPage);
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="Livepatches" />
        <Export name="livepatches" fetchPage={fetchPage} />
      </Group>
      <Group>
        <SearchField label="CVE in it" value={cve} onSearch={(text) => change({ cve: text.trim() }, 'typing')} />
        {kernel !== '' && (
          <span>
            of kernel <b>{kernel}</b>,{' '}
            <A to="/livepatches" size="sm">
              of all kernels
            </A>
          </span>
        )}
      </Group>
      <Lines
        label="Livepatches"
        query={query}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        heights={[58, 110]}
        empty="No livepatch. Build one with “tuxtape livepatch build”, or set a policy for the autopilot."
      />
    </Stack>
  );
}

export function GateBadge({ passed }: Pick<LivepatchLineView, 'passed'>) {
  if (passed === null) return <WordBadge tone="wary">Not proved</WordBadge>;
  return passed ? <WordBadge tone="good">Proof passed</WordBadge> : <WordBadge tone="bad">Proof failed</WordBadge>;
}

const COLUMNS: readonly Column<LivepatchLineView>[] = [
  {
    name: 'Livepatch',
    width: 'minmax(0, 1fr)',
    cell: ({ id, moduleName, kernel, cves, passed }) => (
      <>
        <A to="/livepatches/$id" params={{ id }} fw={600} size="sm">
          {moduleName}
        </A>
        <div className="quiet one-line">
          {kernel}: {cves.length === 0 ? 'a change of a person' : cves.join(', ')}
        </div>
        <Group hiddenFrom="md">
          <GateBadge passed={passed} />
        </Group>
      </>
    ),
  },
  { name: 'Proof', width: '9rem', cell: ({ passed }) => <GateBadge passed={passed} />, wideOnly: true },
  { name: 'Functions', width: '6rem', cell: ({ functions }) => functions, wideOnly: true },
  { name: 'Findings', width: '6rem', cell: ({ findings }) => findings, wideOnly: true },
  {
    name: 'Must approve',
    width: '8rem',
    cell: ({ needed }) => `${needed} ${needed === 1 ? 'person' : 'people'}`,
    wideOnly: true,
  },
  { name: 'Built', width: '11rem', cell: ({ builtAt }) => <Time at={builtAt} />, wideOnly: true },
];
