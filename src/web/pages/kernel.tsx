import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { A } from '../parts/link.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Answer, Loading, PageTitle, Part } from '../parts/states.tsx';
import { statusWords } from '../parts/words.ts';
import { Tiles } from './kernel-tiles.tsx';
import { Verdicts } from './kernel-verdicts.tsx';
import { KERNEL_VIEW } from './kernel-view.ts';

const KernelMap = lazy(() => import('./kernel-map.tsx'));

const STATUSES = [
  ...Object.entries(statusWords).map(([value, label]) => ({ value, label })),
  { value: 'all', label: 'All verdicts' },
];

/** One kernel: what was decided, the CVEs with their evidence, and what is compiled with the CVEs on it. */
export function Kernel() {
  const { kernel } = useParams({ from: '/kernels/$kernel' });
  const [view, change] = useAddress(KERNEL_VIEW);
  const summary = useQuery({ queryKey: ['summary', kernel], queryFn: () => api.summary(kernel) });
  const map = view.map === 'true';
  return (
    <Stack>
      <PageTitle name={`Kernel ${kernel}`} />
      <Answer query={summary} height={140}>
        {(data) => (
          <>
            <Text className="quiet" style={{ overflowWrap: 'anywhere' }}>
              {data.kernel.release ?? data.kernel.version}, build-id {data.kernel.buildId ?? 'none yet'},{' '}
              {data.kernel.compiler}
            </Text>
            <Tiles summary={data} />
          </>
        )}
      </Answer>
      <Group>
        <Button variant="default" onClick={() => change({ map: map ? '' : 'true' })} aria-expanded={map}>
          {map ? 'Hide what is compiled' : 'Show what is compiled'}
        </Button>
        <A to="/livepatches" search={{ kernel } as never} size="sm">
          Livepatches of this kernel
        </A>
      </Group>
      {map && (
        <Part name="What is compiled, and the CVEs on it">
          <Suspense fallback={<Loading height={400} />}>
            <KernelMap kernel={kernel} />
          </Suspense>
        </Part>
      )}
      <Group>
        <SearchField
          label="Search CVE, title or file"
          value={view.q}
          onSearch={(q) => change({ q, cve: '' }, 'typing')}
        />
        <NativeSelect
          aria-label="Verdict"
          value={view.status}
          data={STATUSES}
          onChange={(event) => change({ status: event.currentTarget.value, cve: '' })}
        />
      </Group>
      <Verdicts kernel={kernel} view={view} change={change} />
    </Stack>
  );
}
