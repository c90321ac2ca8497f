import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { PatchVersion } from '#domain';
import { systemClock, writeOutput } from '#host';
import { writeForEdit } from '#patch';
import { type OpenedPatch, openPatch, patchDiff, patchHistory } from '#pipeline';
import { listPatches, needKernel } from '#store';
import type { Context } from '../context.ts';
import { collect, inert, inertLines, shorten, shortId, table, wholeNumber } from '../text.ts';
import { FIXES_HELP, fixesOf } from './fixes-args.ts';
import { type KeyOptions, keyOf, withKey } from './patch-args.ts';
import { registerEdit } from './patch-edit.ts';
import { author } from './person.ts';

interface OpenOptions extends KeyOptions {
  readonly fixes?: string;
  readonly with: readonly string[];
  readonly patch?: string;
  readonly into?: string;
  readonly by?: string;
}

export function registerPatch(program: Command, context: Context): void {
  const patch = program.command('patch').description('the change of a kernel, in versions: open, edit, compare');
  withKey(
    patch.command('open').description('compose the change of CVEs for a kernel and keep it; what was edited stays'),
  )
    .option('--fixes <source>', FIXES_HELP)
    .option('--with <commit>', 'a commit that these fixes need besides; once for each', collect, [])
    .option('--patch <file>', 'a change of your own')
    .option(
      '--into <dir>',
      'write its files there, for editing; where it does not fit, with both sides between markers',
    )
    .option('--by <who>', 'who opens it; default: the user of this session')
    .addHelpText('after', OPEN_HELP)
    .action((options: OpenOptions) => open(context, options));
  withKey(patch.command('show').description('one version of a patch, the newest by default'))
    .option('--version <n>', 'this version', wholeNumber)
    .option('--output <file>', 'write the exact text there')
    .action((options: KeyOptions & { version?: number; output?: string }) => show(context, options));
  registerEdit(patch, context);
  withKey(patch.command('history').description('its versions, and the kernels that share its review')).action(
    (options: KeyOptions) => history(context, options),
  );
  withKey(patch.command('diff').description('what changed between two versions; the last two by default'))
    .option('--from <n>', 'the older one', wholeNumber)
    .option('--to <n>', 'the newer one', wholeNumber)
    .action((options: KeyOptions & { from?: number; to?: number }) => diff(context, options));
  patch
    .command('list')
    .description('the patches that were opened')
    .option('--kernel <name>', 'only those of this kernel')
    .action((options: { kernel?: string }) => list(context, options));
}

const OPEN_HELP = `
Examples:
  tuxtape patch open --kernel web --cve CVE-2026-53352 --fixes /srv/fixes --into work
  tuxtape patch edit --kernel web --cve CVE-2026-53352 --tree work --base 0123456789ab --note "without the new member"
  tuxtape livepatch build --kernel web --cve CVE-2026-53352      # builds its newest version`;

async function open(context: Context, options: OpenOptions): Promise<void> {
  const store = await context.store();
  const key = keyOf(options);
  const opened = await openPatch({
    store,
    clock: systemClock,
    kernel: options.kernel,
    key,
    from: await sourceOf(context, options),
    by: author(options.by),
  });
  const { composed, version } = opened;
  const written =
    options.into === undefined || composed === null ? [] : await writeForEdit(resolve(options.into), composed.files);
  const { patch, isNew, upstream, taken } = opened;
  context.print({ patch, version, isNew, upstream, taken, steps: composed?.steps ?? [], written }, () =>
    openedText(opened, written, options.into),
  );
}

async function sourceOf(context: Context, options: OpenOptions): Promise<Parameters<typeof openPatch>[0]['from']> {
  const { fixes, with: more, patch, cve } = options;
  if (patch !== undefined) {
    if (fixes !== undefined || more.length > 0) throw new InvalidArgumentError('give either --patch or --fixes');
    return { patchFile: resolve(patch) };
  }
  const configured = (await context.config()).text('livepatch.fixes');
  if (fixes === undefined && (configured === null || (cve.length === 0 && more.length === 0))) return null;
  return { fixes: () => fixesOf(context, fixes), with: more };
}

const UPSTREAM = {
  same: [],
  unknown: [],
  changed: [
    'note      its source gives another change now than this was edited from; the edits stay: see "tuxtape patch history"',
  ],
  conflict: ['note      the change does not fit the source by itself: join it by hand, then "tuxtape patch edit"'],
} as const;

function openedText(opened: OpenedPatch, written: readonly string[], into: string | undefined): string {
  const { patch, version, isNew, upstream, composed, taken } = opened;
  return [
    `patch     ${shorten(patch.name, 100)}`,
    version === null
      ? 'version   none yet; give no --base with the first edit'
      : `version   ${version.number}${isNew ? ', new' : ''}, by ${inert(version.author)}: ${inert(version.note)}`,
    ...(version === null ? [] : [`hash      ${version.sha256}`, `review    ${version.reviewKey}`]),
    ...taken.map(({ cve, reason }) => `fixes     ${cve}: ${inert(reason)}`),
    ...(composed?.steps ?? []).flatMap(({ where, state, fit }) => [
      `step      ${inert(where)}: ${fit?.how ?? state}`,
      ...(fit?.remarks ?? []).map((remark) => `          ${inert(remark)}`),
    ]),
    ...UPSTREAM[upstream],
    ...written.map((path) => `written   ${into}/${path}`),
  ].join('\n');
}

async function show(context: Context, options: KeyOptions & { version?: number; output?: string }): Promise<void> {
  const { patch, versions } = await patchHistory(await context.store(), options.kernel, keyOf(options));
  const found =
    options.version === undefined ? versions.at(-1) : versions.find(({ number }) => number === options.version);
  if (found === undefined) throw new InvalidArgumentError(`the patch has ${versions.length} versions`);
  if (options.output !== undefined) await writeOutput(options.output, found.text);
  context.print({ patch, version: found }, () =>
    options.output === undefined
      ? `${headOf(found)}\n\n${inertLines(found.text)}`
      : `${headOf(found)}\nwritten to ${options.output}`,
  );
}

function headOf({ number, sha256, base, origin, author: by, note, madeAt }: PatchVersion): string {
  return [
    `version   ${number}, ${madeAt.toISOString()}, by ${inert(by)}: ${inert(note)}`,
    `hash      ${sha256}`,
    `base      ${base ?? 'none'}`,
    ...(origin.kind === 'fixes'
      ? origin.commits.map(({ where, how }) => `from      ${inert(where)}: ${how}`)
      : [`from      ${origin.kind === 'file' ? inert(origin.where) : 'an edit'}`]),
  ].join('\n');
}

async function history(context: Context, options: KeyOptions): Promise<void> {
  const found = await patchHistory(await context.store(), options.kernel, keyOf(options));
  context.print(found, () => {
    const rows = found.versions.map(({ number, madeAt, sha256, origin, author: by, note }) => [
      number,
      madeAt.toISOString().slice(0, 16),
      shortId(sha256),
      origin.kind,
      by,
      shorten(note, 80),
    ]);
    const shared = found.shared.map(
      ({ kernel, name, number }) => `same review: ${kernel} ${shorten(name, 60)} version ${number}`,
    );
    return [table(['NO', 'WHEN', 'HASH', 'FROM', 'WHO', 'NOTE'], rows), ...shared.map(inert)].join('\n');
  });
}

async function diff(context: Context, options: KeyOptions & { from?: number; to?: number }): Promise<void> {
  const found = await patchDiff(await context.store(), options.kernel, keyOf(options), options);
  context.print(found, () =>
    found.text === '' ? `Versions ${found.from} and ${found.to} are the same.` : inertLines(found.text.trimEnd()),
  );
}

async function list(context: Context, options: { kernel?: string }): Promise<void> {
  const { db } = await context.store();
  const kernel = options.kernel === undefined ? undefined : await needKernel(db, options.kernel);
  const rows = await listPatches(db, kernel?.id);
  context.print(rows, () =>
    rows.length === 0
      ? 'No patch was opened yet.'
      : table(
          ['KERNEL', 'PATCH', 'OPENED'],
          rows.map(({ kernelId, name, madeAt }) => [kernelId, shorten(name, 90), madeAt.toISOString().slice(0, 16)]),
        ),
  );
}
