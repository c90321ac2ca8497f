import { Badge } from '@mantine/core';
import type { CveRowView } from '#contract';
import type { Severity, VerdictStatus } from '#domain';
import { severityColors, severityText, severityWords, statusColors, statusWords } from './words.ts';

type Scored = Pick<CveRowView, 'severity' | 'score' | 'predicted'>;

/** `High 7.8`, or what is predicted where nobody scored it. */
export function SeverityBadge({ of }: { readonly of: Scored }) {
  return (
    <Badge color={severityColors[of.severity]} variant="filled" autoContrast tt="none" miw="max-content">
      {severityText(of)}
    </Badge>
  );
}

export function SeverityCount({ severity, count }: { readonly severity: Severity; readonly count: number }) {
  return (
    <Badge color={severityColors[severity]} variant="filled" autoContrast tt="none">
      {count.toLocaleString('en')} {severityWords[severity].toLowerCase()}
    </Badge>
  );
}

/** A verdict; null is unknown, never harmless. */
export function StatusBadge({ status }: { readonly status: VerdictStatus | null }) {
  return (
    <Badge color={status === null ? 'grape.9' : statusColors[status]} variant="filled" autoContrast tt="none">
      {status === null ? 'Not decided' : statusWords[status]}
    </Badge>
  );
}

/** A word that must be seen: `bad` is an alarm, `wary` wants a look, `good` is in order. */
export function WordBadge({
  tone,
  children,
}: {
  readonly tone: 'bad' | 'wary' | 'good' | 'plain';
  readonly children: string;
}) {
  const colors = { bad: 'red.9', wary: 'yellow.3', good: 'teal.9', plain: 'gray.7' };
  return (
    <Badge color={colors[tone]} variant="filled" autoContrast tt="none" miw="max-content">
      {children}
    </Badge>
  );
}
