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
  | 'build-id-missing'
  | 'cmd-unreadable'
  | 'command-unsupported'
  | 'object-not-compiled'
  | 'object-unreadable'
  | 'profile-unreadable';

export class KernelError extends StageError<KernelCode> {}
