import { Group, Paper, SimpleGrid, Text } from '@mantine/core';
import type { Summary } from '#contract';
import { severities, type VerdictStatus } from '#domain';
import { SeverityCount } from '../parts/badges.tsx';
import { dismissedWords, statusWords } from '../parts/words.ts';

function sum(counts: Summary['counts'], keep: (count: Summary['counts'][number]) => boolean): number {
  return counts.filter(keep).reduce((total, { count }) => total + count, 0);
}

function Tile({
  title,
  value,
  children,
}: {
  readonly title: string;
  readonly value: number;
  readonly children?: React.ReactNode;
}) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Text size="sm" c="dimmed">
        {title}
      </Text>
      <Text fz={32} fw={700} lh={1.2}>
        {value.toLocaleString('en')}
      </Text>
      {children}
    </Paper>
  );
}

/** What was decided for a kernel, and why so much was dismissed. */
export function Tiles({ summary }: { readonly summary: Summary }) {
  const { counts } = summary;
  const of = (status: VerdictStatus): number => sum(counts, (count) => count.status === status);
  const bands = severities
    .map(
      (severity) =>
        [severity, sum(counts, (count) => count.status === 'affected' && count.severity === severity)] as const,
    )
    .filter(([, count]) => count > 0);
  const rungs = Object.keys(dismissedWords)
    .map((rung) => [rung, sum(counts, (count) => count.status === 'not_affected' && count.rung === rung)] as const)
    .filter(([, count]) => count > 0);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
      <Tile title={statusWords.affected} value={of('affected')}>
        <Group gap={6} mt={4}>
          {bands.map(([severity, count]) => (
            <SeverityCount key={severity} severity={severity} count={count} />
          ))}
        </Group>
      </Tile>
      <Tile title={statusWords.under_investigation} value={of('under_investigation')}>
        <Text size="sm" c="dimmed">
          not decided yet: nothing is dismissed without proof
        </Text>
      </Tile>
      <Tile title={statusWords.fixed} value={of('fixed')}>
        <Text size="sm" c="dimmed">
          the fix is in {summary.kernel.version}
        </Text>
      </Tile>
      <Tile title={statusWords.not_affected} value={of('not_affected')}>
        {rungs.map(([rung, count]) => (
          <Text key={rung} size="sm" c="dimmed">
            {count.toLocaleString('en')} {dismissedWords[rung]}
          </Text>
        ))}
      </Tile>
    </SimpleGrid>
  );
}
