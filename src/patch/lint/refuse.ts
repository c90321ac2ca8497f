import type { FileDiff } from '../diff.ts';
import { PatchError } from '../error.ts';
import type { Finding } from './finding.ts';
import { buildFile } from './paths.ts';
import { lintRules } from './rules.ts';

/** Files of a diff that would change how the kernel is built: a patch must not run code on the builder. Errors: patch-touches-build. */
export function refuseBuildFiles(files: readonly FileDiff[], where: string): void {
  const wrong = buildFile(files);
  if (!wrong) return;
  throw new PatchError('patch-touches-build', 'patch', {
    what: `the patch changes ${wrong.path}, which is run while building`,
    where,
    remedy: lintRules['patch-touches-build'].remedy,
  });
}

/** Throws the first blocking finding. Errors: the code of any rule that blocks. */
export function refuseBlocking(findings: readonly Finding[]): void {
  const block = findings.find(({ level }) => level === 'block');
  if (!block) return;
  throw new PatchError(block.code, 'patch', {
    what: `${block.what}: ${block.why}`,
    where: block.line === null ? block.path : `${block.path}:${block.line}`,
    remedy: block.remedy,
  });
}
