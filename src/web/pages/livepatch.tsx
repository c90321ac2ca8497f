import { Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { LivepatchDetail } from '#contract';
import { api } from '../parts/api.ts';
import { WordBadge } from '../parts/badges.tsx';
import { Diff } from '../parts/diff.tsx';
import { Facts } from '../parts/facts.tsx';
import { A } from '../parts/link.tsx';
import { Answer, Empty, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { Findings } from './livepatch-findings.tsx';
import { Gate } from './livepatch-gate.tsx';
import { GateBadge } from './livepatches.tsx';

/** One livepatch: what is in it, what its proof saw, who said yes, and the exact change. */
export function Livepatch() {
  const { id } = useParams({ from: '/livepatches/$id' });
  const detail = useQuery({ queryKey: ['livepatch', id], queryFn: () => api.livepatch(id) });
  const patch = useQuery({
    queryKey: ['livepatch-patch', id],
    queryFn: () => api.livepatchPatch(id),
    staleTime: Infinity,
  });
  return (
    <Answer query={detail} height={600}>
      {(data) => (
        <Stack gap="xl">
          <Head data={data} />
          <Approvals approvals={data.approvals} />
          <Findings recipe={data.recipe} />
          <Part name="Change">
            <Answer query={patch}>
              {({ text, sha256 }) => (
                <>
                  {sha256 !== data.recipe.patchSha256 && (
                    <WordBadge tone="bad">This is not the change that was built: its hash is another</WordBadge>
                  )}
                  <Diff text={text} />
                  <Text className="quiet" style={{ overflowWrap: 'anywhere' }}>
                    sha256 {sha256}
                  </Text>
                </>
              )}
            </Answer>
          </Part>
          <Functions recipe={data.recipe} />
          <Gate gate={data.gate} />
          <Recipe data={data} />
        </Stack>
      )}
    </Answer>
  );
}

function Head({ data: { moduleName, kernel, cves, passed, builtAt } }: { readonly data: LivepatchDetail }) {
  return (
    <Stack gap="xs">
      <PageTitle name={moduleName} />
      <Group gap="xs">
        <GateBadge passed={passed} />
        <span className="quiet">
          built <Time at={builtAt} /> for{' '}
          <A to="/kernels/$kernel" params={{ kernel }} size="sm">
            {kernel}
          </A>
        </span>
      </Group>
      <Group gap="xs">
        {cves.map((cve) => (
          <A key={cve} to="/cves/$cve" params={{ cve }} ff="monospace" size="sm">
            {cve}
          </A>
        ))}
        {cves.length === 0 && <span className="quiet">a change of a person, for no CVE</span>}
      </Group>
    </Stack>
  );
}

const REFUSED: Readonly<Record<string, string>> = {
  'not-proved': 'It was not proved yet: nothing can be approved before.',
  'gate-unsigned': 'Its proof is not signed: prove it again.',
};

function Approvals({ approvals }: { readonly approvals: LivepatchDetail['approvals'] }) {
  const { refused, needed, counted, enough, why, accept, missing, given } = approvals;
  return (
    <Part name="Approvals">
      {refused !== null && (
        <Text role="alert">
          {REFUSED[refused] ?? `Nothing can be said of its approvals (${refused}): do not trust it.`}
        </Text>
      )}
      <Group gap="xs">
        <WordBadge tone={enough ? 'good' : 'wary'}>{`${counted} of ${needed}`}</WordBadge>
        <span>{enough ? 'approved' : 'waits for approval'}</span>
      </Group>
      <ul className="plain-list">
        {why.map((reason) => (
          <li key={reason}>two are needed: {reason}</li>
        ))}
        {accept.length > 0 && <li>each has to accept by name: {accept.join(', ')}</li>}
        {missing.map((what) => (
          <li key={what}>missing: {what}</li>
        ))}
        {given.map((one) => (
          <li key={`${one.keyId} ${one.reviewer}`}>
            {one.reviewer}, key {one.keyId.slice(0, 12)}: {one.why === null ? 'counts' : `does not count: ${one.why}`}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Functions({ recipe: { functions, sameCode } }: { readonly recipe: LivepatchDetail['recipe'] }) {
  return (
    <Part name="Replaced functions">
      {functions.length === 0 && <Empty>It replaces none.</Empty>}
      <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="group" aria-label="Replaced functions">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Function</Table.Th>
              <Table.Th>In</Table.Th>
              <Table.Th ta="right">Ran in the proof</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {functions.map(({ object, name, hits }) => (
              <Table.Tr key={`${object} ${name}`}>
                <Table.Td ff="monospace">{name}</Table.Td>
                <Table.Td>{object}</Table.Td>
                <Table.Td ta="right">{hits === null ? 'not measured' : `${hits.toLocaleString('en')} times`}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {sameCode !== null && sameCode.length > 0 && (
        <Text size="sm">The same code with and without the change: {sameCode.join(', ')}</Text>
      )}
    </Part>
  );
}

function Recipe({ data: { recipe, engine, moduleSha256 } }: { readonly data: LivepatchDetail }) {
  return (
    <Part name="Recipe">
      <Facts
        facts={[
          ['Engine', `${engine}, ${recipe.engineVersion}`],
          ['Compiler', recipe.compiler],
          ['Kernel', `${recipe.kernelRelease}, build-id ${recipe.buildId}`],
          ['Module', `sha256 ${moduleSha256}`],
          ['Fix commits', recipe.fixCommits.join(', ') || 'none'],
          [
            'How the change fits',
            recipe.fit === null ? 'not recorded' : [recipe.fit.how, ...recipe.fit.remarks].join(', '),
          ],
          ['Authors', recipe.authors?.join(', ') ?? 'not recorded'],
        ]}
      />
    </Part>
  );
}
