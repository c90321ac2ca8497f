/** Where a build in the queue stands, of a kernel or of a livepatch. The last three are final. */
export type BuildState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

export interface BuildStanding {
  readonly state: BuildState;
  /** Counts the times a worker took it up; every write of a worker names the one it belongs to. */
  readonly attempt: number;
  /** Attempts that ended without a word: the worker was killed, or lost its lease. */
  readonly deaths: number;
}

/**
 * What happens to a build. Those of a worker name its attempt. `release`: the worker stops, and gives it back; `falter`: the machine
 * failed it, not the build: it counts like a death, and another worker may have it.
 */
export type BuildEvent =
  | { readonly type: 'claim' }
  | { readonly type: 'release' | 'succeed' | 'fail' | 'falter'; readonly attempt: number }
  | { readonly type: 'cancel' };

/** A build whose workers die this often is parked: what kills them must not go round for ever. */
export const MOST_DEATHS = 3;

export function isEnded(state: BuildState): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/**
 * The one table of transitions; null = refused, nothing is written. A worker's word counts only while its attempt is the
 * running one: after a cancel, or once another worker has taken the build up, it is too late.
 */
export function nextBuild(build: BuildStanding, event: BuildEvent): BuildStanding | null {
  if (isEnded(build.state)) return null;
  switch (event.type) {
    case 'claim':
      return claimed(build);
    case 'cancel':
      return { ...build, state: 'cancelled' };
    default:
      if (build.state !== 'running' || build.attempt !== event.attempt) return null;
      if (event.type === 'falter') return faltered(build);
      return { ...build, state: ({ release: 'queued', succeed: 'done', fail: 'failed' } as const)[event.type] };
  }
}

/** A build that is claimed while it runs has lost its worker: the queue gives a lease to one worker at a time. */
function claimed(build: BuildStanding): BuildStanding {
  const deaths = build.deaths + (build.state === 'running' ? 1 : 0);
  if (deaths >= MOST_DEATHS) return { ...build, state: 'failed', deaths };
  return { state: 'running', attempt: build.attempt + 1, deaths };
}

function faltered(build: BuildStanding): BuildStanding {
  const deaths = build.deaths + 1;
  return { ...build, deaths, state: deaths >= MOST_DEATHS ? 'failed' : 'queued' };
}
