import type { HostLine } from '#contract';
import type { HostState } from '#domain';
import { WordBadge } from './badges.tsx';

const TONES: Readonly<Partial<Record<HostState, 'bad' | 'wary' | 'good'>>> = {
  unknown: 'wary',
  accepted: 'good',
  reverted: 'bad',
  quarantined: 'bad',
};

type Said = Pick<HostLine, 'state' | 'stateRelease' | 'flags' | 'alarm' | 'silent'>;

/** Where a host stands, with all that should make somebody look. What a silent host said last is not what it is. */
export function HostWords({ host: { state, stateRelease, flags, alarm, silent } }: { readonly host: Said }) {
  const release = stateRelease === null ? '' : ` (release ${stateRelease})`;
  return (
    <>
      {silent && <WordBadge tone="bad">Silent</WordBadge>}
      {!(silent && state === 'unknown') && (
        <WordBadge tone={silent ? 'plain' : (TONES[state] ?? 'plain')}>
          {`${silent ? 'was ' : ''}${state}${release}`}
        </WordBadge>
      )}
      {flags.map((flag) => (
        <WordBadge key={flag} tone="bad">
          {flag}
        </WordBadge>
      ))}
      {alarm !== null && <WordBadge tone="bad">Alarm</WordBadge>}
    </>
  );
}
