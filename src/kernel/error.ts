import { StageError } from '#domain';

export type KernelCode =
  | 'toolchain-missing'
  | 'toolchain-needs-root'
  | 'toolchain-not-made'
  | 'toolchain-changed'
  | 'source-not-a-kernel'
  | 'config-unreadable'
  | 'config-would-change'
  | 'tree-missing'
  | 'kernel-build-failed'
  | 'build-timed-out'
  | 'build-over-memory'
  | 'build-over-disk'
  | 'build-cancelled'
  | 'build-lost'
  | 'build-poisoned'
  | 'build-id-missing'
  | 'cmd-unreadable'
  | 'command-unsupported'
  | 'object-not-compiled'
  | 'object-unreadable'
  | 'profile-unreadable'
  | 'debug-info-missing'
  | 'debug-info-unreadable'
  | 'modules-unreadable'
  | 'host-list-unreadable'
  | 'host-list-other-kernel';

export class KernelError extends StageError<KernelCode> {}
