/** What one update takes at most, whoever signs for more: an online key that was stolen must not fill a host's memory. */
export const limits = {
  /** Bytes (TUF 1.0, 5.3.3 "W", 5.4.1 "X", 5.5.1 "Y", 5.6.1 "Z"). */
  rootBytes: 512_000,
  timestampBytes: 16_384,
  snapshotBytes: 2_000_000,
  targetsBytes: 5_000_000,
  /** New roots in one update (5.3.3 "Y"); the next update goes on from there. */
  rootRotations: 256,
  /** Delegated roles visited in the search for one target (5.6.7.1). */
  delegations: 32,
  /** One metadata file, from the first byte asked for to the last. */
  metadataMs: 30_000,
  /** One target. */
  targetMs: 300_000,
  /** All metadata of one update or search together: a server that is just fast enough must not hold a host for hours. */
  updateMs: 300_000,
} as const;
