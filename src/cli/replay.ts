import { join } from 'node:path';
import type { Evidence, Proof, Verdict } from '#domain';
import { treeLayout } from '#kernel';
import type { KernelRow } from '#store';

/** As one word of a shell, whatever it holds: paths come from records, names from people. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command that shows the same evidence again with plain tools where it can; null where none is needed. */
export function replayOf(
  { rung, outcome, facts }: Evidence,
  { cve }: Verdict,
  kernel: KernelRow,
  dataDirectory: string,
): string | null {
  const tree = kernel.treeDirectory === '' ? null : quoted(treeLayout(kernel.treeDirectory).build);
  const vulns = quoted(join(dataDirectory, 'mirrors/vulns.git'));
  switch (rung) {
    case 'state':
      return `git -C ${vulns} ls-tree -r --name-only HEAD cve/rejected | grep ${cve}`;
    case 'ranges':
      return `git -C ${vulns} show HEAD:cve/published/${cve.split('-')[1]}/${cve}.dyad`;
    case 'source': {
      const commit = (facts['fixes'] as Proof['fixes'] | undefined)?.[0]?.commit;
      const way = outcome === 'clears' ? ' --reverse' : '';
      return tree && commit && /^[0-9a-f]+$/.test(commit)
        ? `patch -p1 --dry-run --fuzz=0${way} -d ${tree} < ${commit}.patch`
        : null;
    }
    case 'build': {
      const paths =
        (facts['findings'] as { path: string }[] | undefined)?.map(({ path }) => `-e ${quoted(path)}`) ?? [];
      return tree && paths.length > 0 ? `grep -rlF --include='.*.cmd' ${paths.join(' ')} ${tree}` : null;
    }
    case 'object':
      return `tuxtape triage --kernel ${quoted(kernel.name)} prove ${cve} --fixes DIR`;
    case 'fleet': {
      const module = (facts['modules'] as { module: string }[] | undefined)?.[0]?.module;
      return module === undefined || module === 'vmlinux' || module === 'image'
        ? null
        : `tuxtape kernel hosts ${quoted(kernel.name)} --module ${quoted(module)}`;
    }
    case 'person':
      return `tuxtape triage --kernel ${quoted(kernel.name)} overrides`;
    default:
      return null;
  }
}
