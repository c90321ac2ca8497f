import { type ConfigChange, type Problem, StageError } from '#domain';

export type KernelCode =
  | 'toolchain-missing'
  | 'toolchain-needs-root'
  | 'toolchain-not-made'
  | 'toolchain-changed'
  | 'arch-unsupported'
  | 'image-unreadable'
  | 'source-not-a-kernel'
  | 'source-unreadable'
  | 'source-changed'
  | 'archive-unsafe'
  | 'patch-queue-unreadable'
  | 'patch-not-applied'
  | 'config-unreadable'
  | 'config-would-change'
  | 'running-unreadable'
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

/** The configuration would be changed: with every change, for whoever shows them. */
export class ConfigChangeError extends KernelError {
  readonly changes: readonly ConfigChange[];

  constructor(changes: readonly ConfigChange[], problem: Problem) {
    super('config-would-change', 'input', problem);
    this.changes = changes;
  }
}
