import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findProgram, type Mount, ProgramError, readLimited, sha256File } from '#host';
import { KernelError } from '../error.ts';
import { MAX_BYTES } from './stay-inside.ts';
import { caged, extractTar, listTar, staged, unpackSource } from './unpack.ts';

const MAX_DSC_BYTES = 1 << 20;
/** A text of ours; the file and the limit come as arguments. What is cut off is no whole tar archive any more. */
const BOUNDED = 'dpkg-deb --fsys-tarfile "$1" | head -c "$2" > /mnt/out/data.tar';
const FORMATS: readonly string[] = ['1.0', '3.0 (native)', '3.0 (quilt)'];

interface DscFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Unpacks a Debian source package: every file the `.dsc` names is checked by size and SHA-256 first (deb-src-control(5));
 * who signed the `.dsc` is not. Debian's own patches are applied by dpkg-source, in a sandbox that sees only these files.
 * Errors: source-unreadable, source-changed, archive-unsafe, toolchain-missing.
 */
export async function unpackDsc(dsc: string, target: string, signal?: AbortSignal): Promise<void> {
  needProgram('dpkg-source', 'dpkg-dev');
  const files = parseDsc((await readLimited(dsc, MAX_DSC_BYTES)).toString('utf8'), dsc);
  for (const file of files) await checkFile(join(dirname(dsc), file.name), file);
  for (const { name } of files) if (/\.tar\.\w+$/.test(name)) await listTar(join(dirname(dsc), name), signal);
  const mounts: Mount[] = [basename(dsc), ...files.map(({ name }) => name)].map((name) => ({
    from: join(dirname(dsc), name),
    to: `/mnt/in/${name}`,
  }));
  await staged(
    target,
    async (staging) => {
      const args = ['--no-check', '--no-copy', '--extract', `/mnt/in/${basename(dsc)}`, '/mnt/out/linux'];
      await caged(
        'dpkg-source',
        args,
        [...mounts, { from: staging, to: '/mnt/out', writable: true }],
        signal && { signal },
      ).catch((cause: unknown) => {
        throw unreadable(cause, dsc);
      });
      return join(staging, 'linux');
    },
    dsc,
  );
}

/** Format and files of a `.dsc`; the text of a signature around it is passed over. */
export function parseDsc(text: string, where: string): DscFile[] {
  const format = /^Format: *(.*?) *$/m.exec(text)?.[1] ?? '';
  if (!FORMATS.includes(format))
    throw notDebian(`the format "${format.slice(0, 40)}" is not one of ${FORMATS.join(', ')}`, where);
  const block = /^Checksums-Sha256:[ \t]*\n((?:[ \t]+\S.*\n?)+)/m.exec(text)?.[1];
  if (block === undefined) throw notDebian('it holds no Checksums-Sha256', where);
  return block
    .trim()
    .split('\n')
    .map((line) => {
      const match = /^\s*([0-9a-f]{64}) +(\d{1,12}) +([A-Za-z0-9][\w.+~-]*)\s*$/.exec(line);
      if (!match) throw notDebian(`this line of its checksums cannot be read: ${line.trim().slice(0, 100)}`, where);
      return { sha256: match[1]!, bytes: Number(match[2]), name: match[3]! };
    });
}

async function checkFile(path: string, { name, bytes, sha256 }: DscFile): Promise<void> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new KernelError('source-unreadable', 'input', {
      what: `the source package lacks ${name}`,
      where: path,
      remedy: 'bring every file that the .dsc names into its folder',
      cause,
    });
  });
  if (info.size === bytes && (await sha256File(path)) === sha256) return;
  throw new KernelError('source-changed', 'untrusted', {
    what: `${name} is not the file that the .dsc names: its size or SHA-256 differs`,
    where: path,
    remedy: 'get it again; nothing was unpacked',
  });
}

/** Unpacks the one source tarball that a binary package `linux-source-*.deb` holds. Errors: as `unpackSource`. */
export async function unpackSourceDeb(deb: string, target: string, signal?: AbortSignal): Promise<void> {
  needProgram('dpkg-deb', 'dpkg');
  const at = `/mnt/in/${basename(deb)}`;
  const mount: Mount = { from: deb, to: at };
  await staged(
    target,
    async (staging) => {
      try {
        await caged(
          'sh',
          ['-c', BOUNDED, 'sh', at, String(MAX_BYTES)],
          [mount, { from: staging, to: '/mnt/out', writable: true }],
          signal && { signal },
        );
      } catch (cause) {
        throw unreadable(cause, deb);
      }
      const data = join(staging, 'data.tar');
      const listed = (await listTar(data, signal)).filter(
        ({ name, type }) => type === '-' && /^usr\/src\/[\w.+~-]+\.tar\.\w+$/.test(name),
      );
      if (listed.length !== 1) throw notDebian(`it holds ${listed.length} source tarballs in usr/src, not one`, deb);
      await extractTar(data, staging, signal);
      const source = join(staging, 'linux');
      await unpackSource(join(staging, listed[0]!.name), source, signal);
      return source;
    },
    deb,
  );
}

function needProgram(program: string, remedy: string): void {
  if (findProgram(program) !== undefined) return;
  throw new KernelError('toolchain-missing', 'toolchain', {
    what: `Debian packages are unpacked by ${program}, which is not here`,
    remedy: `apt-get install ${remedy}`,
  });
}

function notDebian(what: string, where: string): KernelError {
  return new KernelError('source-unreadable', 'input', {
    what: `this is no source package that can be read: ${what}`,
    where,
    remedy: 'give the .dsc of the package "linux", or a linux-source package',
  });
}

function unreadable(cause: unknown, where: string): unknown {
  if (!(cause instanceof ProgramError)) return cause;
  return notDebian(cause.stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? '', where);
}
