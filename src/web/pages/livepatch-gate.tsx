import { Table, Text } from '@mantine/core';
import type { LivepatchDetail } from '#contract';
import { WordBadge } from '../parts/badges.tsx';
import { Facts } from '../parts/facts.tsx';
import { Empty, Part } from '../parts/states.tsx';

const PARTS = { file: 'the module’s file', machine: 'the virtual machine', log: 'the kernel log' } as const;
const TONES = { passed: 'good', failed: 'bad', warned: 'wary', skipped: 'plain' } as const;

/** The gate record: every check of the proof, and the end of the kernel log of its run. */
export function Gate({ gate }: { readonly gate: LivepatchDetail['gate'] }) {
  if (gate === null)
    return (
      <Part name="Proof">
        <Empty>It was not proved yet. “tuxtape livepatch prove” boots its kernel and loads it.</Empty>
      </Part>
    );
  const { checks, seconds, machine, startedAt, reproducer, signature, moduleBytes, kernelLog } = gate;
  return (
    <Part name="Proof">
      <Facts
        facts={[
          ['Run', `${startedAt}, ${seconds.toFixed(0)} s, ${machine}`],
          ['Signed by', signature === null ? 'the module is not signed' : `${signature.signer} (${signature.hash})`],
          ['Module', moduleBytes === null ? 'size not recorded' : `${moduleBytes.toLocaleString('en')} bytes`],
          [
            'Reproducer',
            reproducer === null
              ? 'none was run'
              : `${reproducer.name}: before “${reproducer.before ?? 'not run'}”, after “${reproducer.after ?? 'not run'}”`,
          ],
        ]}
      />
      <Table.ScrollContainer minWidth={340} type="native" tabIndex={0} role="group" aria-label="Checks">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Check</Table.Th>
              <Table.Th>Outcome</Table.Th>
              <Table.Th>Seen</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {checks.map(({ name, part, outcome, detail }) => (
              <Table.Tr key={name}>
                <Table.Td>
                  {name}
                  <Text className="quiet">in {PARTS[part]}</Text>
                </Table.Td>
                <Table.Td>
                  <WordBadge tone={TONES[outcome]}>{outcome}</WordBadge>
                </Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{detail}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <details>
        <summary>Kernel log of the run, its end</summary>
        <pre className="log" tabIndex={0} role="group" aria-label="Kernel log">
          {kernelLog === '' ? '(empty)' : kernelLog}
        </pre>
      </details>
    </Part>
  );
}
