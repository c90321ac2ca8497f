import { type BuildId, type IndexedRelease, POSITIONS, positionOf, type RolloutFile, type TurnHost } from '#domain';

/** A host that nobody counted, which knows a release for no time. */
export function turnHost(part: Partial<TurnHost> = {}): TurnHost {
  const unknown = { ring: 'default', counted: null, seenSerial: 0, knownMs: 0, failed: [] };
  return { id: 'host-0', ...unknown, now: new Date(), ...part };
}

/** The first id of a host whose place in the rollout of a module lies in `[from, to)` percent. */
export function idWithin(sha256: string, from: number, to: number): string {
  for (let i = 0; ; i += 1) {
    const place = (positionOf(sha256, `host-${i}`) / POSITIONS) * 100;
    if (place >= from && place < to) return `host-${i}`;
  }
}

/** A rollout file that lets every host of the ring "default" go to these releases. */
export function rolloutFile(
  buildId: BuildId,
  releases: readonly Pick<IndexedRelease, 'number' | 'sha256'>[],
  part: { readonly serial?: number; readonly state?: 'open' | 'paused' | 'halted'; readonly soakSeconds?: number } = {},
): RolloutFile {
  const { serial = 99, state = 'open', soakSeconds = 0 } = part;
  return {
    version: 1,
    buildId,
    serial,
    rollouts: releases.map(({ number, sha256 }) => ({
      ...{ id: `rollout-${number}`, number, sha256, state, onHalt: 'finish' as const, counted: false, soakSeconds },
      ...{ startWithinSeconds: 600, windows: [], rings: [{ name: 'default', open: [[0, POSITIONS]] as const }] },
    })),
  };
}
