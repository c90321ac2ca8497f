import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Every migration in order. Listed, not scanned: a forgotten file is a failing test, not a silent gap. Forward only. */
const names = [
  '0001_initial',
  '0002_signals',
  '0003_withdrawn',
  '0004_proof',
  '0005_override',
  '0006_kernel_build',
  '0007_fleet',
  '0008_kernel_origin',
  '0009_triage_due',
  '0010_patch',
  '0011_autopilot',
  '0012_patch_commits',
  '0014_approval',
  '0015_builder',
  '0016_hold',
  '0017_identity',
  '0018_api',
  '0019_audit_chain',
  '0020_rollout',
  '0026_host',
  '0027_notify',
  '0028_installation',
  '0030_read',
  '0031_notify_rollout',
  '0032_tell_rollout',
] as const;

export const migrations: readonly Migration[] = names.map((name) => ({
  version: Number(name.slice(0, 4)),
  name,
  sql: readFileSync(join(import.meta.dirname, `${name}.sql`), 'utf8'),
}));
