import type { Judgement, SignalValue } from './signal.ts';

/** What a source says, as a line for people. Text of the source stays as it is: whoever shows it makes it inert. */
export function describeSignal(value: SignalValue): string {
  switch (value.source) {
    case 'kev':
      return `exploited, added ${value.added}${value.ransomware ? ', used by ransomware' : ''}: ${value.name}`;
    case 'epss':
      return `${(value.probability * 100).toFixed(2)} %, percentile ${(value.percentile * 100).toFixed(1)} (${value.model})`;
    case 'exploits':
      return value.exploits
        .map(({ where, needs }) => `${where}${needs.length > 0 ? ` needs ${needs.join(', ')}` : ''}`)
        .join('; ');
    case 'nvd':
      return [value.status, ...scores(value.judgements), ...value.weaknesses].join(', ');
    default: {
      const ssvc = `exploitation ${value.exploitation ?? 'not said'}, automatable ${yesNo(value.automatable)}, impact ${value.technicalImpact ?? 'not said'}`;
      return [ssvc, ...scores(value.judgements), ...value.weaknesses].join(', ');
    }
  }
}

function scores(judgements: readonly Judgement[]): string[] {
  return judgements.map(({ vector, score, by }) => `${score} (${vector} by ${by})`);
}

function yesNo(value: boolean | null): string {
  return value === null ? 'not said' : value ? 'yes' : 'no';
}
