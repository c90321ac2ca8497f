import { Alert, Group, Text, Tooltip } from '@mantine/core';
import type { Status } from '#contract';
import { age } from './words.ts';

const STALE_AFTER_SYNCS = 4;

/** How old the data is, always; a banner when it is a sample or stale. */
export function Freshness({ status }: { readonly status: Status }) {
  const stale = status.sources.filter(
    ({ at }) => Date.parse(status.now) - Date.parse(at) > STALE_AFTER_SYNCS * status.syncInterval * 1000,
  );
  return (
    <>
      {status.sampleData && (
        <Alert color="yellow" variant="filled" autoContrast title="Sample data" role="status">
          A few CVEs that come with TuxTape, because upstream could not be reached. Not a picture of today.
        </Alert>
      )}
      {!status.sampleData && stale.length > 0 && (
        <Alert color="yellow" variant="filled" autoContrast title="Stale" role="status">
          {stale.map(({ source, at }) => `${source} was last read ${age(at, status.now)}`).join('; ')}. What came since
          is missing here.
        </Alert>
      )}
      <Group gap="lg">
        {status.sources.map(({ source, at, newest, address }) => (
          <Tooltip key={source} label={`from ${address}, last success ${at}`}>
            <Text size="sm" c="dimmed">
              {source}: read {age(at, status.now)}
              {newest === null ? '' : `, newest content ${newest.slice(0, 10)}`}
            </Text>
          </Tooltip>
        ))}
        <Text size="sm" c="dimmed">
          {status.cves.published.toLocaleString('en')} CVEs, {status.cves.scored.toLocaleString('en')} scored,{' '}
          {status.quarantined} set aside
        </Text>
      </Group>
    </>
  );
}
