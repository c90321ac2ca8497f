import type { BuildId } from './kernel.ts';

/** Where a host stands with its release. */
export const agentStates = [
  'idle',
  'downloaded',
  'verified',
  'prechecked',
  'loading',
  'transitioning',
  'soaking',
  'accepted',
  'reverted',
  'quarantined',
] as const;
export type AgentState = (typeof agentStates)[number];

/** Where a host says that it stands with its release. `unknown`: it did not say. */
export const hostStates = ['unknown', ...agentStates] as const;
export type HostState = (typeof hostStates)[number];

/** How much a host lets its agent do: its own file or kernel command line says it, never the server. */
export const refusalLevels = ['normal', 'no-new', 'no-apply', 'stop'] as const;
export type RefusalLevel = (typeof refusalLevels)[number];

/** A report of a host's kernel log, as short as a fleet needs it. */
export interface HostReport {
  /** The same trouble has the same key. */
  readonly key: string;
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  /** Does a frame lie in a livepatch, or in a function that one replaces? */
  readonly blamed: boolean;
  /** Number of the release that was on; null: none. */
  readonly release: number | null;
  /** The host's clock. */
  readonly at: string;
}

/** What a host says of itself with every poll; see docs/reference/hosts.md for why each field is there. */
export interface CheckIn {
  /** Only rises, over reboots, too: what is sent again is known by it. */
  readonly seq: number;
  /** The host's clock: for people, and to see that it is wrong. */
  readonly at: string;
  readonly bootId: string;
  readonly uptimeSeconds: number;
  readonly agent: string;
  readonly level: RefusalLevel;
  readonly kernel: { readonly buildId: BuildId | null; readonly release: string; readonly arch: string };
  readonly ring: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly livepatch: HostLivepatch;
  /** Null: the archive answered and was believed at the last poll; else the code of what kept the agent from it. */
  readonly archive: string | null;
  /** Names of the loaded modules; null: the same as before. */
  readonly modules: readonly string[] | null;
  readonly reports: readonly HostReport[];
}

export interface HostLivepatch {
  readonly state: HostState;
  /** Number of the release that the state is about; null: none. */
  readonly release: number | null;
  readonly sha256: string | null;
  readonly alarm: string | null;
}

/** Why a host is looked at. `clock`: its clock is wrong; the others mean that what it says cannot be believed as it is. */
export const hostFlags = ['cloned', 'lying', 'flooding', 'clock'] as const;
export type HostFlag = (typeof hostFlags)[number];

/** What the server remembers of a host to judge its next word by. */
export interface KnownHost {
  /** Of its last check-in; 0: none. */
  readonly seq: number;
  readonly bodySha256: string | null;
  readonly bootId: string | null;
  /** The boot before that. */
  readonly earlierBootId: string | null;
  readonly uptimeSeconds: number;
  readonly seenAt: Date | null;
  readonly buildId: BuildId | null;
  readonly flags: readonly HostFlag[];
}

/** `new`: it is written down; `repeat`: it is, already, and the answer was lost; `refused`: it is not. */
export interface CheckInJudgement {
  readonly what: 'new' | 'repeat' | 'refused';
  readonly flags: readonly HostFlag[];
  /** A sentence for each flag that was raised by this check-in. */
  readonly why: readonly string[];
}

/** A clock that is off by more than this is wrong. */
export const MOST_SKEW_MS = 5 * 60_000;
/** Within one boot a host may say a little less than the server counted: the check-in travelled. */
const UPTIME_SLACK_SECONDS = 120;

/**
 * Holds a check-in whose signature is good against what is known. Two machines with one key show by a number that was used with other
 * words, or by a boot that was over and is back. `lying`: within one boot neither the build-id changes nor does time go back.
 */
export function judgeCheckIn(known: KnownHost, said: CheckIn, bodySha256: string, now: Date): CheckInJudgement {
  if (said.seq === known.seq && bodySha256 === known.bodySha256) return { what: 'repeat', flags: known.flags, why: [] };
  const found = new Map<HostFlag, string>();
  const isOld = said.seq <= known.seq;
  // One that was only late, of the boot that is known, is refused and proves nothing.
  const isLate = said.seq < known.seq && (said.bootId === known.bootId || said.bootId === known.earlierBootId);
  if (isOld && !isLate) found.set('cloned', `check-in ${said.seq} came after ${known.seq}, with other words`);
  if (!isOld && said.bootId === known.earlierBootId)
    found.set('cloned', `boot ${said.bootId} was over, and is back after boot ${known.bootId}`);
  if (!isOld && said.bootId === known.bootId) {
    const lie = withinBoot(known, said, now);
    if (lie !== null) found.set('lying', lie);
  }
  const skew = Date.parse(said.at) - now.getTime();
  if (Number.isNaN(skew) || Math.abs(skew) > MOST_SKEW_MS) found.set('clock', `its clock says ${said.at}`);
  const kept = known.flags.filter((flag) => flag !== 'clock' && !found.has(flag));
  const fresh = [...found].filter(([flag]) => !known.flags.includes(flag));
  return {
    what: isOld ? 'refused' : 'new',
    flags: [...kept, ...found.keys()].toSorted(),
    why: fresh.map(([flag, sentence]) => `${flag}: ${sentence}`),
  };
}

function withinBoot(known: KnownHost, said: CheckIn, now: Date): string | null {
  const { buildId } = said.kernel;
  if (known.buildId !== null && buildId !== known.buildId)
    return `in one boot its kernel was ${known.buildId}, and is ${buildId ?? 'unknown'}`;
  if (said.uptimeSeconds + UPTIME_SLACK_SECONDS < known.uptimeSeconds)
    return `in one boot it was up for ${known.uptimeSeconds} s, and is for ${said.uptimeSeconds} s`;
  const passed = known.seenAt === null ? Infinity : (now.getTime() - known.seenAt.getTime()) / 1000;
  if (said.uptimeSeconds > known.uptimeSeconds + passed + UPTIME_SLACK_SECONDS)
    return `in ${Math.round(passed)} s it has aged by ${said.uptimeSeconds - known.uptimeSeconds} s`;
  return null;
}

/** How long after its last check-in a host counts as silent: three that did not come. */
export function silentAfterMs(intervalSeconds: number): number {
  return 3 * intervalSeconds * 1000;
}

const GROUP = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Names of groups of hosts, labels and rings. */
export function isGroupName(text: string): boolean {
  return GROUP.test(text);
}

/** Where hosts knock. */
export const CHECK_IN_PATH = '/api/v1/hosts/check-in';
export const ENROL_PATH = '/api/v1/hosts/enrol';

/**
 * What a host signs (Ed25519, RFC 8032): a request cannot be turned into another one, or into one of another host. `host`: its id;
 * `-` where it has none yet.
 */
export function signedRequestText(path: string, host: string, bodySha256: string): string {
  return ['tuxtape host request 1', `POST ${path}`, host, bodySha256, ''].join('\n');
}
