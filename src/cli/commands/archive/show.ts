import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type ArchiveView, showArchive } from '#archive';
import type { ReleaseIndex, RolloutChoice, SignedMitigation } from '#domain';
import type { Context } from '../../context.ts';
import { inert, shortId, table } from '../../text.ts';
import { words } from './rollout.ts';
import { approvedBy } from './words.ts';

export function registerArchiveShow(archive: Command, context: Context): void {
  archive
    .command('show')
    .description('what is in an archive: kernels, releases, recalls, mitigations')
    .argument('<dir>', 'the archive')
    .option('--kernel <text>', 'only kernels whose build-id starts so, or of this release')
    .action(async (directory: string, { kernel }: { kernel?: string }) => {
      const all = await showArchive(resolve(directory));
      const kernels = all.kernels.filter(
        ({ buildId, kernelRelease }) => kernel === undefined || buildId.startsWith(kernel) || kernelRelease === kernel,
      );
      const view = { ...all, kernels };
      context.print(view, () =>
        kernel === undefined ? overview(view) : kernels.map((one) => page(one, view)).join('\n\n'),
      );
    });
}

function overview(view: ArchiveView): string {
  const rows = view.kernels.flatMap((index) =>
    index.releases.length === 0
      ? [[index.kernelRelease, shortId(index.buildId), '(none yet)', '', '', '']]
      : index.releases.map((release) => [
          index.kernelRelease,
          shortId(index.buildId),
          String(release.number),
          release.moduleName,
          release.cves.join(' ') || '(none)',
          recallOf(index, release.number) ?? approvedBy(release.approval),
        ]),
  );
  const head = `timestamp expires ${view.timestampExpires}, snapshot ${view.snapshotExpires}; ${view.targets} files in ${view.bins} bins`;
  return `${head}\n${table(['KERNEL', 'BUILD-ID', 'RELEASE', 'MODULE', 'CVES', 'APPROVAL'], rows)}`;
}

function recallOf({ recalls = [] }: ReleaseIndex, number: number): string | undefined {
  const found = recalls.find((one) => one.number === number);
  return found === undefined ? undefined : `RECALLED by ${inert(found.by)}: ${inert(found.reason)}`;
}

/** One kernel, for a person. */
function page(index: ReleaseIndex, { rollouts }: ArchiveView): string {
  const { floors, mitigations = [], recalls = [] } = index;
  const rows = index.releases
    .toReversed()
    .map((release) => [
      release.number,
      release.publishedAt?.slice(0, 16).replace('T', ' ') ?? '',
      release.moduleName,
      release.cves.join(' ') || '(none)',
      recallOf(index, release.number) ?? approvedBy(release.approval),
    ]);
  const unlisted = recalls.filter(({ number }) => !index.releases.some((release) => release.number === number));
  return [
    `kernel ${inert(index.kernelRelease)}, build-id ${index.buildId}`,
    floors === undefined
      ? 'no floors: the online key may bring a release to all hosts at once'
      : `floors: at most ${floors.largestSharePercent} % more hosts a step, ${floors.leastSoakSeconds} s apart`,
    rolloutWords(rollouts.find(({ buildId }) => buildId === index.buildId)),
    index.releases.length === 0
      ? 'no release yet'
      : table(['RELEASE', 'PUBLISHED', 'MODULE', 'CVES', 'APPROVAL'], rows),
    ...unlisted.map(({ number }) => `release ${number}, not listed any more: ${recallOf(index, number)}`),
    ...mitigations.map(mitigationWords),
  ].join('\n');
}

function rolloutWords(choice: RolloutChoice | undefined): string {
  return choice === undefined ? 'rollout: the newest release, as fast as the floors allow' : words(choice);
}

function mitigationWords({ cve, action, until, by, reason }: SignedMitigation): string {
  const what = action.kind === 'sysctl' ? `${action.name}=${action.value}` : `block module ${action.module}`;
  return `mitigation of ${cve} until ${until.slice(0, 10)}: ${inert(what)} (${inert(by)}: ${inert(reason)})`;
}
