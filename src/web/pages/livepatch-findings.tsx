import { Group, Paper, Text } from '@mantine/core';
import type { LivepatchDetail } from '#contract';
import { WordBadge } from '../parts/badges.tsx';
import { Empty, Part } from '../parts/states.tsx';

/** What the lint found, and what the machine changed of the fix by itself: a reviewer has to see all of it. */
export function Findings({ recipe: { findings, answers } }: { readonly recipe: LivepatchDetail['recipe'] }) {
  return (
    <Part name="Findings">
      {findings === null && <Text>The change was not linted.</Text>}
      {findings?.length === 0 && answers.length === 0 && <Empty>The lint says nothing of it.</Empty>}
      {answers.map(({ code, path, line, what, check }) => (
        <One key={`${code} ${path} ${line}`} code={code} place={placeOf(path, line)} grave what={what} more={check} />
      ))}
      {findings?.map(({ code, level, path, line, what, why, remedy }) => (
        <One
          key={`${code} ${path} ${line} ${what}`}
          code={code}
          place={placeOf(path, line)}
          grave={level !== 'note'}
          what={what}
          more={`${why}. ${remedy}`}
        />
      ))}
    </Part>
  );
}

function placeOf(path: string, line: number | null): string {
  return line === null ? path : `${path}:${line}`;
}

function One({
  code,
  place,
  grave,
  what,
  more,
}: {
  readonly code: string;
  readonly place: string;
  readonly grave: boolean;
  readonly what: string;
  readonly more: string;
}) {
  return (
    <Paper withBorder p="sm" style={{ overflowWrap: 'anywhere' }}>
      <Group gap="xs">
        <WordBadge tone={grave ? 'wary' : 'plain'}>{grave ? 'Two approvals' : 'Note'}</WordBadge>
        <Text size="sm" fw={600}>
          {code}
        </Text>
        <Text size="sm" ff="monospace">
          {place}
        </Text>
      </Group>
      <Text size="sm">{what}</Text>
      <Text className="quiet">{more}</Text>
    </Paper>
  );
}
