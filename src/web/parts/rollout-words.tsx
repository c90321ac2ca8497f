import type { Rollout } from '#contract';
import { WordBadge } from './badges.tsx';

const words = {
  draft: 'Did not begin',
  running: 'Running',
  paused: 'Paused',
  halted: 'Halted',
  recalled: 'Recalled',
  done: 'Done, watched on',
} as const;
const tones = {
  draft: 'plain',
  running: 'good',
  paused: 'wary',
  halted: 'bad',
  recalled: 'bad',
  done: 'good',
} as const;

export function PhaseWord({ rollout: { phase } }: { readonly rollout: Pick<Rollout, 'phase'> }) {
  return <WordBadge tone={tones[phase]}>{words[phase]}</WordBadge>;
}
