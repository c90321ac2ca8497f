import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { MAX_PATCH_BYTES } from '#domain';
import { environment, readLimited, runOnTerminal, systemClock, writeAtomic } from '#host';
import { readPatchFile } from '#patch';
import { type EditPatchOptions, editPatch, patchHistory } from '#pipeline';
import type { Context } from '../context.ts';
import { inert } from '../text.ts';
import { type KeyOptions, keyOf, withKey } from './patch-args.ts';
import { author } from './person.ts';

interface EditOptions extends KeyOptions {
  readonly file?: string;
  readonly tree?: string;
  readonly base?: string;
  readonly note: string;
  readonly by?: string;
}

/** `tuxtape patch edit`: the next version of a patch, from a file, a folder, the standard input or an editor. */
export function registerEdit(patch: Command, context: Context): void {
  withKey(patch.command('edit').description('store an edit as the next version of a patch'))
    .option('--file <file>', 'the whole change as a unified diff; - is the standard input')
    .option('--tree <dir>', 'a folder with every file of it, as "patch open --into" writes it')
    .option('--base <hash>', 'hash of the version you edited (12 digits or more); none: there was no version yet')
    .requiredOption('--note <text>', 'what you changed, and why')
    .option('--by <who>', 'who edits; default: the user of this session')
    .addHelpText('after', '\nWithout --file and --tree, on a terminal, $EDITOR is started on the newest version.')
    .action((options: EditOptions) => edit(context, options));
}

async function edit(context: Context, options: EditOptions): Promise<void> {
  const store = await context.store();
  const key = keyOf(options);
  const { file, tree } = options;
  if (file !== undefined && tree !== undefined) throw new InvalidArgumentError('give either --file or --tree');
  const given =
    tree !== undefined
      ? { edit: { folder: resolve(tree) }, base: options.base ?? null }
      : file !== undefined
        ? { edit: await readEdit(file), base: options.base ?? null }
        : await inEditor(context, options);
  const result = await editPatch({
    ...{ store, key, clock: systemClock, kernel: options.kernel },
    ...{ ...given, by: author(options.by), note: options.note },
  });
  context.print(result, () => {
    const { patch, version, isNew } = result;
    if (!isNew) return `Nothing changed: version ${version.number} of ${inert(patch.name)} stays the newest.`;
    return `version   ${version.number} of ${inert(patch.name)}\nhash      ${version.sha256}\nreview    ${version.reviewKey}`;
  });
}

async function readEdit(file: string): Promise<EditPatchOptions['edit'] & { text: string }> {
  if (file !== '-') return { text: await readPatchFile(file), where: resolve(file) };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_PATCH_BYTES)
      throw new InvalidArgumentError(`more than ${MAX_PATCH_BYTES} bytes on the standard input`);
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), where: 'the standard input' };
}

/** The newest version in the editor of the person at the terminal; `$EDITOR` is split at blanks, no shell reads it. */
async function inEditor(context: Context, options: EditOptions): Promise<Pick<EditPatchOptions, 'edit' | 'base'>> {
  const editor = environment()['EDITOR']?.trim().split(/\s+/) ?? [];
  if (!process.stdin.isTTY || !process.stdout.isTTY || editor.length === 0 || editor[0] === '')
    throw new InvalidArgumentError('give --file or --tree; $EDITOR is started on a terminal only');
  const newest = (await patchHistory(await context.store(), options.kernel, keyOf(options))).versions.at(-1);
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-edit-'));
  try {
    const file = join(folder, 'change.patch');
    await writeAtomic(file, newest?.text ?? '', 0o600);
    if (!(await runOnTerminal([...editor, file]))) throw new InvalidArgumentError('the editor did not end well');
    const text = (await readLimited(file, MAX_PATCH_BYTES)).toString('utf8');
    return { edit: { text, where: 'the editor' }, base: options.base ?? newest?.sha256 ?? null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
