import { StageError } from '#domain';

export type LivepatchCode =
  | 'engine-unsupported'
  | 'engine-missing'
  | 'engine-failed'
  | 'disk-full'
  | 'engine-crashed'
  | 'compile-failed'
  | 'section-changed'
  | 'no-fentry'
  | 'init-changed'
  | 'nothing-changed'
  | 'nothing-left'
  | 'header-blast'
  | 'build-input-changed'
  | 'object-left-out'
  | 'symbol-ambiguous'
  | 'toolchain-mismatch'
  | 'patch-does-not-apply'
  | 'module-unreadable'
  | 'not-affected'
  | 'not-one-livepatch'
  | 'signing-failed'
  | 'vm-program-missing'
  | 'vm-boot-failed'
  | 'vm-died'
  | 'vm-timed-out';

export class LivepatchError extends StageError<LivepatchCode> {}
