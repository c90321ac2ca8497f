import { Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { CveDetail } from '#contract';
import { api } from '../parts/api.ts';
import { SeverityBadge, WordBadge } from '../parts/badges.tsx';
import { A } from '../parts/link.tsx';
import { Standing } from '../parts/standing.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { CveMatrix } from './cve-matrix.tsx';

/** One CVE: why it ranks, what it touches, what was decided of it in every kernel and on what evidence, and how it came about. */
export function Cve() {
  const { cve } = useParams({ from: '/cves/$cve' });
  const detail = useQuery({ queryKey: ['cve', cve], queryFn: () => api.cveRecord(cve) });
  const kernels = useQuery({ queryKey: ['cve-kernels', cve], queryFn: () => api.cveKernels(cve) });
  return (
    <Stack gap="xl">
      <Answer query={detail} height={300}>
        {(data) => <Head data={data} />}
      </Answer>
      <Part name="Verdicts">
        <Answer query={kernels}>{(data) => <CveMatrix kernels={data} />}</Answer>
      </Part>
      {detail.data !== undefined && (
        <>
          {detail.data.state === 'published' && <Standing cve={cve} />}
          <Decisions decisions={detail.data.decisions} />
          <Ranges ranges={detail.data.ranges} />
          <Sources data={detail.data} />
          <History cve={cve} />
        </>
      )}
    </Stack>
  );
}

function Head({ data }: { readonly data: CveDetail }) {
  const { id, title, description, state, source, severity, score, vector, rationale } = data;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Text ff="monospace" fw={600}>
          {id}
        </Text>
        <SeverityBadge of={{ severity, score, predicted: null }} />
        {state === 'rejected' && <WordBadge tone="plain">Rejected by the CNA</WordBadge>}
        {source === 'mail' && <WordBadge tone="wary">Known by its mail only</WordBadge>}
      </Group>
      <PageTitle name={id}>{title === '' ? id : title}</PageTitle>
      <Text style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} maw="80ch">
        {description}
      </Text>
      {vector !== null && (
        <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {vector}
        </Text>
      )}
      {rationale !== null && (
        <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap' }} maw="80ch">
          {rationale}
        </Text>
      )}
      <A to="/livepatches" search={{ cve: id } as never} size="sm">
        Livepatches for it
      </A>
    </Stack>
  );
}

function Decisions({ decisions }: { readonly decisions: CveDetail['decisions'] }) {
  if (decisions.length === 0) return null;
  return (
    <Part name="What people decided">
      {decisions.map(({ kind, score, mitigation, reason, author, madeAt, until, revoked }) => (
        <Text
          key={`${kind} ${madeAt}`}
          size="sm"
          style={{ overflowWrap: 'anywhere' }}
          td={revoked ? 'line-through' : undefined}
        >
          <b>
            {kind}
            {score === null ? '' : ` ${score}`}
          </b>{' '}
          by {author}, <Time at={madeAt} />
          {until !== null && (
            <>
              {' '}
              until <Time at={until} />
            </>
          )}
          : {mitigation === null ? '' : `${mitigation}; `}
          {reason}
          {revoked !== null && ` (taken back by ${revoked.by})`}
        </Text>
      ))}
    </Part>
  );
}

function Ranges({ ranges }: { readonly ranges: CveDetail['ranges'] }) {
  return (
    <Part name="Versions">
      {ranges.length === 0 ? (
        <Empty>The record names no versions.</Empty>
      ) : (
        <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="group" aria-label="Versions">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Came in with</Table.Th>
                <Table.Th>Fixed in</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {ranges.map(({ introduced, fixed }) => (
                <Table.Tr key={JSON.stringify([introduced, fixed])}>
                  <Table.Td>{endWords(introduced, 'not known')}</Table.Td>
                  <Table.Td>{endWords(fixed, 'not fixed')}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Part>
  );
}

function endWords(end: CveDetail['ranges'][number]['fixed'], none: string): string {
  if (end === null) return none;
  return end.commit === null ? end.version : `${end.version} (${end.commit.slice(0, 12)})`;
}

/** Addresses are shown, not linked: they come from the record, which is somebody else's text. */
function Sources({ data: { files, references } }: { readonly data: CveDetail }) {
  return (
    <Part name="Files and references">
      {[...files, ...references].length === 0 && <Empty>The record names none.</Empty>}
      <ul className="plain-list">
        {[...files, ...references].map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Part>
  );
}

const EVENT_WORDS = { mail: 'Mail', record: 'Record', signal: 'Signal', person: 'Person' } as const;

function History({ cve }: { readonly cve: string }) {
  const history = useQuery({ queryKey: ['cve-history', cve], queryFn: () => api.cveHistory(cve) });
  return (
    <Part name="History">
      <Answer query={history}>
        {({ events, records }) => (
          <>
            {events.length === 0 && <Empty>Nothing is recorded.</Empty>}
            <ol className="timeline">
              {events.map(({ at, source, what }, i) => (
                // oxlint-disable-next-line no-array-index-key -- two events may be the same word for word
                <li key={i}>
                  <span className="quiet">{at === null ? 'time not given' : <Time at={at} />}</span>{' '}
                  <b>{EVENT_WORDS[source]}:</b> {what}
                </li>
              ))}
            </ol>
            <Text className="quiet">
              {records === null
                ? 'There is no mirror of the records here: how the record itself changed is not told.'
                : !records.whole && (
                    <>
                      The records go back to <Time at={records.since} /> only.
                    </>
                  )}
            </Text>
          </>
        )}
      </Answer>
    </Part>
  );
}
