import { join } from 'node:path';
import type { Toolchain } from '#domain';
import { runSandboxed } from '#host';
import type { TreeLayout } from '#kernel';
import { functionNames, lintObjects, type ObjectPair } from '#livepatch';
import { type FileDiff, type Finding, type NamedChange, namedChange, oldTexts, refuseBlocking } from '#patch';

const NM_TIMEOUT_MS = 60_000;
const MAX_NAMES_BYTES = 256 << 20;

/** Looks at the pairs of objects of one build. */
export interface ObjectInspection {
  readonly wantsTypes: boolean;
  /** Gathers into `findings`. Errors: those of `refuseBlocking` and `lintObjects`. */
  readonly inspect: (pairs: readonly ObjectPair[]) => Promise<void>;
  readonly findings: Finding[];
}

/** What the text of a change lets one expect of its objects, held against them. */
export async function objectInspection(
  layout: TreeLayout,
  toolchain: Toolchain,
  files: readonly FileDiff[],
): Promise<ObjectInspection> {
  const texts = await oldTexts(
    layout.build,
    files.map(({ path }) => path),
  );
  const named: NamedChange = namedChange(files, (path) => texts.get(path));
  const findings: Finding[] = [];
  const inspect = async (pairs: readonly ObjectPair[]): Promise<void> => {
    const names = await namesOf(layout, toolchain);
    const found = await lintObjects(pairs, { types: named.outside, expected: named.functions, names });
    findings.push(...found);
    refuseBlocking(found);
  };
  return { wantsTypes: named.outside, inspect, findings };
}

/** How often the deployed kernel has a function of a name. */
async function namesOf(layout: TreeLayout, { root }: Toolchain): Promise<ReadonlyMap<string, number>> {
  const mounts = [{ from: join(layout.out, 'vmlinux'), to: '/mnt/vmlinux' }];
  const options = { timeoutMs: NM_TIMEOUT_MS, maxOutput: MAX_NAMES_BYTES };
  return functionNames((await runSandboxed({ root, mounts, cwd: '/mnt' }, 'nm', ['vmlinux'], options)).stdout);
}
