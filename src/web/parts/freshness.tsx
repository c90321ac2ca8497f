import { Group, Text, Tooltip } from '@mantine/core';
import type { Status } from '#contract';
import { Notice } from './notice.tsx';
import { age, sourceWords } from './words.ts';

type Source = Status['sources'][number];

/** A banner when the data is a sample, is stale, or was never read. */
export function Warnings({ status }: { readonly status: Status }) {
  const stale = status.sources.filter(({ state }) => state === 'stale');
  const never = status.sources.filter(({ state }) => state === 'never');
  return (
    <>
      {status.sampleData && (
        <Notice tone="wary" name="Sample data">
          A few CVEs that come with TuxTape, because upstream could not be reached. Not a picture of today.
        </Notice>
      )}
      {!status.sampleData && stale.length > 0 && (
        <Notice tone="wary" name="Stale">
          {stale.map((source) => staleWords(source, status.now)).join('; ')}. What came since is missing here.
        </Notice>
      )}
      {never.length > 0 && (
        <Notice tone="plain" name="Not read yet">
          {never.map(({ source }) => sourceWords[source] ?? source).join(', ')}: what they know is missing in what you
          see.
        </Notice>
      )}
    </>
  );
}

/** How old the data is, source by source, always. */
export function Freshness({ status }: { readonly status: Status }) {
  return (
    <Group gap="lg">
      {status.sources.map((source) => (
        <SourceLine key={source.source} source={source} now={status.now} />
      ))}
      <Text size="sm" c="dimmed">
        {status.cves.published.toLocaleString('en')} CVEs, {status.cves.scored.toLocaleString('en')} scored,{' '}
        {status.quarantined} set aside
      </Text>
    </Group>
  );
}

function staleWords({ source, at, newest }: Source, now: string): string {
  const content = newest === null ? '' : `, newest content ${newest.slice(0, 10)}`;
  return `${sourceWords[source] ?? source}: last read ${age(at!, now)}${content}`;
}

function SourceLine({ source, now }: { readonly source: Source; readonly now: string }) {
  const { state, at, newest, address, failure } = source;
  const failed = failure === null ? '' : `; failed ${age(failure.at, now)}: ${failure.reason}`;
  return (
    <Tooltip label={`from ${address ?? 'nowhere yet'}, last success ${at ?? 'never'}${failed}`} multiline maw={480}>
      <Text size="sm" c="dimmed" fw={state === 'stale' || failure !== null ? 700 : 400}>
        {sourceWords[source.source] ?? source.source}: {at === null ? 'never read' : `read ${age(at, now)}`}
        {state === 'stale' ? ' (stale)' : ''}
        {failure === null ? '' : ' (failing)'}
        {newest === null ? '' : `, newest content ${newest.slice(0, 10)}`}
      </Text>
    </Tooltip>
  );
}
