import { Group, Text } from '@mantine/core';
import type { VerdictView } from '#contract';
import { rungWords } from './words.ts';

const OUTCOMES: Readonly<Record<string, string>> = {
  clears: 'dismisses it',
  supports: 'affected',
  inconclusive: 'does not decide',
};

/** The evidence of a verdict, rung by rung. */
export function Ladder({ evidence }: { readonly evidence: VerdictView['evidence'] }) {
  return evidence.map(({ rung, outcome, sentence }, i) => (
    <Group key={rung} align="baseline" gap="xs" wrap="nowrap">
      <Text size="sm" fw={600} miw={90}>
        {i + 1}. {rungWords[rung] ?? rung}
      </Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <b>{OUTCOMES[outcome]}:</b> {sentence}
      </Text>
    </Group>
  ));
}
