import { SimpleGrid, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { FleetSummary as Summary } from '#contract';
import { A } from '../parts/link.tsx';

const MOST_KERNELS = 12;

/** How many hosts there are, by group and by kernel; what nobody knows stands in a column of its own. */
export function FleetSummary({ summary: { groups, kernels } }: { readonly summary: Summary }) {
  if (groups.length === 0) return null;
  const more = kernels.length - MOST_KERNELS;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <Counts label="By group" names={['Group', 'Hosts', 'Silent', 'Unknown kernel', 'Flagged']}>
        {groups.map(({ group, hosts, silent, unknownKernel, flagged }) => (
          <Table.Tr key={group}>
            <Table.Td>
              <A to="/hosts" search={{ group } as never} size="sm">
                {group}
              </A>
            </Table.Td>
            {numbers([hosts, silent, unknownKernel, flagged])}
          </Table.Tr>
        ))}
      </Counts>
      <Counts label="By kernel" names={['Kernel', 'Hosts', 'Silent']}>
        {kernels.slice(0, MOST_KERNELS).map(({ buildId, release, kernel, hosts, silent }) => (
          <Table.Tr key={buildId ?? 'none'}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {buildId === null ? (
                <Text size="sm">never said</Text>
              ) : (
                <A to="/hosts" search={{ buildId } as never} size="sm">
                  {kernel ?? release ?? buildId}
                </A>
              )}
              {kernel === null && <Text className="quiet">unknown here: nobody can say what matters to it</Text>}
            </Table.Td>
            {numbers([hosts, silent])}
          </Table.Tr>
        ))}
        {more > 0 && (
          <Table.Tr>
            <Table.Td colSpan={3}>and {more} more kernels</Table.Td>
          </Table.Tr>
        )}
      </Counts>
    </SimpleGrid>
  );
}

function numbers(counts: readonly number[]): ReactNode[] {
  return counts.map((count, i) => (
    // oxlint-disable-next-line no-array-index-key -- columns stand where they stand
    <Table.Td key={i} ta="right">
      {count.toLocaleString('en')}
    </Table.Td>
  ));
}

function Counts({
  label,
  names,
  children,
}: {
  readonly label: string;
  readonly names: readonly string[];
  readonly children: ReactNode;
}) {
  return (
    <Table.ScrollContainer minWidth={320} type="native" tabIndex={0} role="group" aria-label={label}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {names.map((name, i) => (
              <Table.Th key={name} ta={i === 0 ? 'left' : 'right'}>
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
