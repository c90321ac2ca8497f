/** Why a release is not loaded on this host now. It is no failure of the release: it is tried again at every poll. */
export const refusalCodes = [
  'other-kernel',
  'other-architecture',
  'module-mismatch',
  'in-container',
  'no-capability',
  'modules-disabled',
  'signature-missing',
  'kernel-tainted',
  'livepatch-missing',
  'tracing-off',
  'memory-low',
  'foreign-livepatch',
  'transition-running',
  'function-probed',
  'module-present',
  'health-failing',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence without a full stop. */
  readonly what: string;
  readonly remedy: string;
}
