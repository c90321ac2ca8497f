import type {
  CveRecord,
  ExploitsSignal,
  Priority,
  PriorityClass,
  PriorityTerm,
  ReachClass,
  SeverityOrigin,
  Signal,
  SignalSource,
} from '#domain';
import { predictedBand, priorityClasses } from '#domain';
import { reachOf } from './reach.ts';

/** What a person decided about a CVE. */
export interface PersonalView {
  /** Severity set by hand, 0 to 10. */
  readonly severity: { readonly score: number; readonly by: string } | null;
  /** The risk was accepted until then. */
  readonly accepted: { readonly until: Date; readonly by: string } | null;
}

/** How many of our kernels a CVE affects, of how many that were looked at; null before any kernel is triaged. */
export interface Exposure {
  readonly affected: number;
  /** Not decided yet: counts as affected, because unknown is never no. */
  readonly open: number;
  readonly kernels: number;
  /**
   * Set where the vulnerable module is loaded on no host of any of these kernels, by lists that are fresh: what can have it
   * loaded. Null: it is loaded, is no module, or nobody knows.
   */
  readonly loadedNowhere?: 'on-demand' | 'hardware' | null;
}

export interface RankInput {
  readonly record: Pick<CveRecord, 'id' | 'state' | 'files' | 'cvssVector'>;
  /** CVSS base score of the CNA; null = not scored. */
  readonly score: number | null;
  /** Predicted probability that the CNA would score it HIGH or above. */
  readonly predicted: number;
  readonly signals: readonly Signal[];
  readonly person: PersonalView;
  readonly exposure: Exposure | null;
  readonly announced: Date | null;
}

/**
 * Severity counted for a CVE nobody scored: between the middle of MEDIUM and the usual HIGH of the kernel CNA (7.8 is
 * the base score of half of what it scores), by the predicted probability.
 */
const IF_HIGH = 7.8;
const IF_NOT_HIGH = 5;

const REACH_FACTOR: Record<ReachClass, number> = {
  'remote-unauthenticated': 1.5,
  'remote-authenticated': 1.2,
  adjacent: 1.2,
  'local-unprivileged': 1.3,
  'user-namespace': 1.25,
  unknown: 1,
  physical: 0.8,
  'root-only': 0.6,
};

/** A CVE that touches none of our kernels is kept in the list, far behind. */
const EXPOSURE_FACTOR = { touches: 1, none: 0.1 } as const;
/** A module that is loaded nowhere can be loaded at any time: by any program, or with its device (or by root). */
const LOADED_NOWHERE = { 'on-demand': 0.8, hardware: 0.5 } as const;
const LOADED_NOWHERE_WORDS = {
  'on-demand': ' Its module is loaded on no host that reported, but a program can have it loaded.',
  hardware: ' Its module is loaded on no host that reported, and no program can have it loaded by an alias.',
} as const;
const DAY_MS = 86_400_000;

/** The priority of a CVE, with every term. Pure: the same input gives the same answer. */
export function rank(input: RankInput, now: Date): Priority {
  const signals = new Map(input.signals.map((signal) => [signal.value.source, signal]));
  const standing = classOf(input, signals, now);
  const severity = severityTerm(input);
  const exploits = (signals.get('exploits')?.value as ExploitsSignal | undefined)?.exploits ?? [];
  const reach = reachOf({
    files: input.record.files,
    vector: input.record.cvssVector,
    exploitNeeds: [...new Set(exploits.flatMap(({ needs }) => needs))],
  });
  const exposure = exposureTerm(input.exposure);
  const epss = epssOf(signals);
  const factor = REACH_FACTOR[reach.class];
  return {
    cve: input.record.id,
    class: standing.class,
    weight: round(severity.value * factor * exposure.value),
    origin: severity.origin,
    reach: reach.class,
    epss: epss?.probability ?? null,
    announced: input.announced?.toISOString() ?? null,
    terms: [
      { name: 'class', value: null, sentence: standing.sentence },
      { name: 'severity', value: severity.value, sentence: severity.sentence },
      { name: 'reach', value: factor, sentence: `Reached by ${reachWords[reach.class]}: ${reach.sentence}.` },
      { name: 'exposure', value: exposure.value, sentence: exposure.sentence },
      epssTerm(epss),
      ageTerm(input.announced, now),
    ],
  };
}

const reachWords: Record<ReachClass, string> = {
  'remote-unauthenticated': 'anyone on the network',
  'remote-authenticated': 'a peer the host talks to',
  adjacent: 'anyone on the same link or radio',
  'local-unprivileged': 'any local user',
  'user-namespace': 'a local user who may create a user namespace',
  unknown: 'we do not know whom',
  physical: 'somebody at the machine, or with an image to mount',
  'root-only': 'only root',
};

type BySource = ReadonlyMap<SignalSource, Signal>;

interface Standing {
  readonly class: PriorityClass;
  readonly sentence: string;
}

/** Exploitation outranks an accepted risk: it was taken when nobody was known to exploit it. */
function classOf({ record, person }: RankInput, signals: BySource, now: Date): Standing {
  if (record.state === 'rejected') return { class: 'rejected', sentence: 'The CNA rejected it.' };
  const exploited = exploitedBy(signals);
  if (exploited !== null) return { class: 'exploited', sentence: `Exploited in the wild: ${exploited}.` };
  const { accepted } = person;
  if (accepted !== null && accepted.until > now) {
    const until = accepted.until.toISOString().slice(0, 10);
    return { class: 'accepted', sentence: `${accepted.by} accepted the risk until ${until}.` };
  }
  const exploit = publicExploit(signals);
  if (exploit !== null) return { class: 'public-exploit', sentence: `There is a public exploit: ${exploit}.` };
  return { class: 'open', sentence: 'No exploit is known.' };
}

function exploitedBy(signals: BySource): string | null {
  const kev = signals.get('kev')?.value;
  if (kev?.source === 'kev') {
    const ransom = kev.ransomware ? ', also by ransomware' : '';
    return `in CISA's catalog since ${kev.added}${ransom}`;
  }
  const ssvc = signals.get('vulnrichment')?.value;
  return ssvc?.source === 'vulnrichment' && ssvc.exploitation === 'active' ? 'CISA says "active"' : null;
}

function publicExploit(signals: BySource): string | null {
  const known = signals.get('exploits')?.value;
  if (known?.source === 'exploits' && known.exploits.length > 0)
    return known.exploits.map(({ where }) => where).join(', ');
  const ssvc = signals.get('vulnrichment')?.value;
  return ssvc?.source === 'vulnrichment' && ssvc.exploitation === 'poc' ? 'CISA says "poc"' : null;
}

function severityTerm({ score, predicted, person, record }: RankInput): {
  value: number;
  origin: SeverityOrigin;
  sentence: string;
} {
  if (person.severity !== null) {
    const { score: value, by } = person.severity;
    return {
      value,
      origin: 'person',
      sentence: `${by} set it to ${value}${score === null ? '' : `; the CNA says ${score}`}.`,
    };
  }
  if (score !== null)
    return { value: score, origin: 'scored', sentence: `The CNA says ${score}, ${record.cvssVector}.` };
  const value = round(predicted * IF_HIGH + (1 - predicted) * IF_NOT_HIGH);
  const percent = Math.round(predicted * 100);
  const band = predictedBand(predicted).replace('-', ' ');
  return {
    value,
    origin: 'predicted',
    sentence: `Not scored. Predicted ${band}: ${percent} % that the CNA would say HIGH or above; counted as ${value}.`,
  };
}

function exposureTerm(exposure: Exposure | null): { value: number; sentence: string } {
  if (exposure === null || exposure.kernels === 0)
    return { value: EXPOSURE_FACTOR.touches, sentence: 'No kernel was looked at yet.' };
  const { affected, open, kernels, loadedNowhere = null } = exposure;
  const of = `of ${kernels} kernel${kernels === 1 ? '' : 's'}`;
  if (affected + open === 0) return { value: EXPOSURE_FACTOR.none, sentence: `Affects none ${of}.` };
  const sentence = `Affects ${affected} ${of}${open === 0 ? '' : `, and ${open} are not decided`}.`;
  // What is not decided may be anywhere.
  if (loadedNowhere === null || open > 0) return { value: EXPOSURE_FACTOR.touches, sentence };
  return { value: LOADED_NOWHERE[loadedNowhere], sentence: `${sentence}${LOADED_NOWHERE_WORDS[loadedNowhere]}` };
}

function epssOf(signals: BySource): { probability: number; percentile: number } | null {
  const value = signals.get('epss')?.value;
  return value?.source === 'epss' ? value : null;
}

function epssTerm(epss: { probability: number; percentile: number } | null): PriorityTerm {
  if (epss === null) return { name: 'epss', value: null, sentence: 'EPSS says nothing.' };
  const { probability, percentile } = epss;
  const above = Math.round(percentile * 100);
  return {
    name: 'epss',
    value: probability,
    sentence: `EPSS ${(probability * 100).toFixed(2)} %, above ${above} % of all CVEs.`,
  };
}

function ageTerm(announced: Date | null, now: Date): PriorityTerm {
  if (announced === null) return { name: 'age', value: null, sentence: 'No announcement was read.' };
  const days = Math.max(0, Math.floor((now.getTime() - announced.getTime()) / DAY_MS));
  return { name: 'age', value: days, sentence: `Announced ${announced.toISOString().slice(0, 10)}, ${days} days ago.` };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Everyone's order: class, weight, a real score in a tie, EPSS, then the newer one; the id ends every tie. */
export function byPriority(a: Priority, b: Priority): number {
  return (
    classRank(a.class) - classRank(b.class) ||
    b.weight - a.weight ||
    Number(a.origin === 'predicted') - Number(b.origin === 'predicted') ||
    (b.epss ?? 0) - (a.epss ?? 0) ||
    (b.announced ?? '').localeCompare(a.announced ?? '') ||
    a.cve.localeCompare(b.cve)
  );
}

/** For a store that sorts by columns: the class as a number, smallest first. */
export function classRank(standing: PriorityClass): number {
  return priorityClasses.indexOf(standing);
}
