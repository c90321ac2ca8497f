import { type TypeBody, typeBodies } from './c-types.ts';
import type { FileDiff, Hunk } from './diff.ts';
import { PatchError } from './error.ts';

/** Something about a patch that a person must know before it becomes a livepatch. */
export interface Finding {
  readonly code: 'layout-may-change' | 'assembly-changed' | 'init-code' | 'patch-touches-build';
  /** `block`: no livepatch is made of it. `note`: shown to the reviewer. */
  readonly level: 'block' | 'note';
  readonly path: string;
  readonly line: number;
  readonly what: string;
  readonly remedy: string;
}

const BUILD_FILES = /(?:^|\/)(?:Kconfig[^/]*|Makefile[^/]*|Kbuild[^/]*)$|^(?:scripts|tools|certs|usr)\/|^\./;
/** No function tracer entry there: klp-build refuses the same (scripts/livepatch/klp-build), kpatch cannot see them. */
const UNPATCHABLE = /\.S$|(?:^|\/)vdso\/|(?:^|\/)realmode\/|^arch\/[^/]+\/boot\//;

/** Files of a diff that would change how the kernel is built: a patch must not run code on the builder. Errors: patch-touches-build. */
export function refuseBuildFiles(files: readonly FileDiff[], where: string): void {
  const wrong = files.find(({ path }) => BUILD_FILES.test(path));
  if (!wrong) return;
  throw new PatchError('patch-touches-build', 'patch', {
    what: `the patch changes ${wrong.path}, which is run while building`,
    where,
    remedy: 'leave that file out: a livepatch can only replace functions of the kernel',
  });
}

/**
 * Looks for what makes a livepatch dangerous or impossible, before anything is built. `oldText` gives a file of the
 * target's source, or undefined when it has none.
 */
export function lint(files: readonly FileDiff[], oldText: (path: string) => string | undefined): Finding[] {
  return files.flatMap((file) => {
    if (UNPATCHABLE.test(file.path)) return [assembly(file)];
    const text = oldText(file.path);
    if (text === undefined) return [];
    const bodies = typeBodies(text);
    return file.hunks.flatMap((hunk) => [...layoutFindings(file, hunk, bodies), ...initFindings(file, hunk)]);
  });
}

function assembly(file: FileDiff): Finding {
  return {
    code: 'assembly-changed',
    level: 'block',
    path: file.path,
    line: file.hunks[0]?.oldStart ?? 1,
    what: 'code that the function tracer cannot redirect (assembly, vdso, boot code) changes',
    remedy: 'answer this CVE with another measure: a mitigation, or a new kernel and a reboot',
  };
}

/**
 * A member added to or removed from a type changes what code and live objects agree on: objects made before the load
 * have the old layout (Documentation/livepatch/shadow-vars.rst says why, and what to do instead).
 */
function layoutFindings(file: FileDiff, hunk: Hunk, bodies: readonly TypeBody[]): Finding[] {
  const found: Finding[] = [];
  let line = hunk.oldStart;
  for (const { kind, text } of hunk.lines) {
    const at = line;
    if (kind !== '+') line += 1;
    if (kind === ' ' || !isCode(text)) continue;
    // An added line stands before old line `at`: inside a body when that line is past its first one.
    const body = bodies.find(({ first, last }) => at <= last && (kind === '-' ? at >= first : at > first));
    if (body === undefined || found.some(({ what }) => what.includes(body.name))) continue;
    found.push({
      code: 'layout-may-change',
      level: 'block',
      path: file.path,
      line: at,
      what: `${body.name} changes: objects made before the livepatch is loaded keep the old layout`,
      remedy: 'rewrite the fix with shadow variables or without the new member; that is a decision of a person',
    });
  }
  return found;
}

function isCode(text: string): boolean {
  const line = text.trim();
  return line !== '' && !line.startsWith('/*') && !line.startsWith('*') && !line.startsWith('//');
}

function initFindings(file: FileDiff, hunk: Hunk): Finding[] {
  const hit = hunk.lines.find(({ kind, text }) => kind !== ' ' && /\b__(?:init|exit)\b/.test(text));
  if (!hit) return [];
  return [
    {
      code: 'init-code',
      level: 'note',
      path: file.path,
      line: hunk.oldStart,
      what: 'the change is near code that runs only at start or removal and cannot be livepatched',
      remedy: 'check that the rest of the change is enough on a running kernel',
    },
  ];
}

/** Throws the first blocking finding. Errors: layout-may-change, assembly-changed. */
export function refuseBlocking(findings: readonly Finding[]): void {
  const block = findings.find(({ level }) => level === 'block');
  if (!block || block.code === 'init-code') return;
  throw new PatchError(block.code, 'patch', {
    what: block.what,
    where: `${block.path}:${block.line}`,
    remedy: block.remedy,
  });
}
