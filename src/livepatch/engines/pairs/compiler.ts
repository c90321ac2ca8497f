import { bytesOf, readElf64 } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { ObjectPair } from '../../lint/objects.ts';
import type { EngineJob } from '../engine.ts';
import { runStep } from './tool.ts';

/**
 * The compiler must be the one that built the deployed kernel: another one inlines otherwise, and what is inlined there would go on
 * running unpatched (kpatch-build, gcc_version_check). Each says its name in `.comment`. Errors: toolchain-mismatch.
 */
export async function requireCompiler(job: EngineJob, { object, after }: ObjectPair): Promise<void> {
  const { stdout } = await runStep(job, 'readelf', ['-p', '.comment', '/mnt/vmlinux'], { onOutput: () => {} });
  const own = typeof after === 'string' ? [] : compilersOf(after);
  const wrong = own.find((name) => !stdout.includes(name)) ?? (own.length === 0 ? 'an unknown compiler' : undefined);
  if (wrong === undefined) return;
  throw new LivepatchError('toolchain-mismatch', 'toolchain', {
    what: `${object} is compiled by ${wrong}, which did not build the deployed kernel`,
    where: job.toolchain.root ?? 'the host',
    remedy: 'use the toolchain the kernel was built with',
  });
}

/** `GCC: (Debian 14.2.0-19) 14.2.0`, one for each compiler that made a part of the object. */
export function compilersOf(object: Buffer): string[] {
  const table = readElf64(bytesOf(object));
  const section = table.sections().find(({ name }) => name === '.comment');
  const text = section === undefined ? '' : table.content(section.index).toString('latin1');
  return [...new Set(text.split('\0').filter((name) => name !== ''))];
}
