import { parsePatch } from 'diff';
import { MAX_PATCH_BYTES } from '#domain';
import { PatchError } from './error.ts';

export const MAX_FILES = 200;

/** One line of a hunk: kept, removed or added, with its text. */
export interface DiffLine {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
  /** The file ends with this line, and without a line end. Absent: a line like any other. */
  readonly endless?: true;
}

export interface Hunk {
  /** First line of the old file that the hunk covers, from 1. */
  readonly oldStart: number;
  readonly lines: readonly DiffLine[];
  /** What stands behind the second @@: the line that begins the function, or nothing. */
  readonly heading: string;
}

export interface FileDiff {
  /** Path in the tree, without the `a/` or `b/` of git. */
  readonly path: string;
  readonly kind: 'changed' | 'added' | 'removed';
  readonly hunks: readonly Hunk[];
}

/**
 * Reads a unified diff, as git or diff make it, with or without a mail around it.
 * Errors: patch-too-large, patch-unreadable, patch-unsupported (binary, renames, modes), patch-leaves-tree.
 */
export function parseDiff(text: string, where: string): FileDiff[] {
  if (Buffer.byteLength(text) > MAX_PATCH_BYTES) {
    throw new PatchError('patch-too-large', 'patch', {
      what: `the patch is larger than ${MAX_PATCH_BYTES} bytes`,
      where,
    });
  }
  refuseSpecial(text, where);
  let parsed: ReturnType<typeof parsePatch>;
  try {
    // A mail ends with "-- \n<version>" (git) or "-- \ncgit <version>", which a diff parser takes for a removed line.
    parsed = parsePatch(text.replace(/\n-- ?\n(?:cgit )?v?\d+\.[^\n]*\n*$/, '\n'));
  } catch (error) {
    throw new PatchError('patch-unreadable', 'patch', {
      what: `not a unified diff: ${(error as Error).message.slice(0, 200)}`,
      where,
      cause: error,
    });
  }
  const files = parsed.filter((file) => file.hunks.length > 0);
  if (files.length === 0)
    throw new PatchError('patch-unreadable', 'patch', { what: 'the patch changes no file', where });
  if (files.length > MAX_FILES)
    throw new PatchError('patch-too-large', 'patch', {
      what: `the patch changes ${files.length} files, at most ${MAX_FILES} are taken`,
      where,
    });
  const headings = headingsOf(text);
  const known = headings.length === files.reduce((sum, { hunks }) => sum + hunks.length, 0);
  return files.map((file) => {
    const [before, after] = [treePath(file.oldFileName, where), treePath(file.newFileName, where)];
    if (before !== null && after !== null && before !== after) {
      throw new PatchError('patch-unsupported', 'patch', {
        what: `the patch renames ${before} to ${after}`,
        where,
        remedy: 'make a patch that changes the file in place',
      });
    }
    const path = after ?? before;
    if (path === null)
      throw new PatchError('patch-unreadable', 'patch', { what: 'a file of the patch has no name', where });
    const kind = before === null ? 'added' : after === null ? 'removed' : 'changed';
    const hunks = file.hunks.map(({ oldStart, lines }) => ({
      oldStart,
      lines: linesOfHunk(lines),
      heading: known ? headings.shift()! : '',
    }));
    return { path, kind, hunks };
  });
}

/** The diff library leaves them out. Every line inside a hunk begins with another character. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)$/gm)].map(([, heading]) => heading!.trim());
}

/** "\ No newline at end of file" is a remark on the line before it. */
function linesOfHunk(lines: readonly string[]): DiffLine[] {
  const found: DiffLine[] = [];
  for (const line of lines) {
    const kind = line[0];
    const last = found.at(-1);
    if (kind === ' ' || kind === '-' || kind === '+') found.push({ kind, text: line.slice(1) });
    else if (kind === '\\' && last !== undefined) found.splice(-1, 1, { ...last, endless: true });
  }
  return found;
}

function refuseSpecial(text: string, where: string): void {
  const special =
    /^(?:GIT binary patch|Binary files .* differ|rename (?:from|to) |copy (?:from|to) |(?:old|new) mode |new file mode 120000|Subproject commit )/m.exec(
      text,
    );
  if (!special) return;
  throw new PatchError('patch-unsupported', 'patch', {
    what: `the patch holds "${special[0].trim()}", which a livepatch cannot carry`,
    where,
    remedy: 'leave that part out, or make the change another way',
  });
}

/** Null for /dev/null. A path must stay inside the tree, whatever the patch says. */
function treePath(name: string | undefined, where: string): string | null {
  if (name === undefined || name === '/dev/null') return null;
  const path = name.replace(/^[ab]\//, '');
  if (!isTreePath(path)) {
    throw new PatchError('patch-leaves-tree', 'untrusted', {
      what: `the patch names a path that is none of a kernel tree: "${name.slice(0, 100)}"`,
      where,
    });
  }
  return path;
}

/** A path that a file of a kernel tree can have. */
export function isTreePath(path: string): boolean {
  const parts = path.split('/');
  const clean = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return clean && parts[0] !== '.git' && /^[\w.+,@/-]+$/.test(path);
}
