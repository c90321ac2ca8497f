import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, plainEnvironment, run } from '#host';
import { once } from './cache.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface SourcePackage {
  readonly name: string;
  readonly version: string;
  /** The kernel source folder, unpacked. */
  readonly directory: string;
}

/**
 * Fetches a `linux-source-*` package of a Debian suite with an apt state of its own, so that neither the machine's suites
 * nor its package lists matter, and unpacks the tarball in it. Exact point releases leave the archive when newer ones
 * come: `wanted` is tried first, else what the suite offers is taken, and the caller says so.
 */
export async function kernelSource(
  cache: string,
  suite: string,
  name: string,
  wanted: string | null,
): Promise<SourcePackage> {
  if (wanted !== null) {
    const kept = join(cache, 'sources', `${name}_${wanted}`);
    const found = await unpacked(kept);
    if (found) return { name, version: wanted, directory: found };
  }
  const options = await aptState(join(cache, 'apt', suite), suite);
  const version = await choose(options, name, wanted);
  const directory = await once(join(cache, 'sources', `${name}_${version}`), (target) =>
    fetchAndUnpack(options, name, version, target),
  );
  const source = await unpacked(directory);
  if (!source) throw new TypeError(`${name} ${version} holds no source folder`);
  return { name, version, directory: source };
}

/**
 * Unpacks a binary package of a Debian suite as it is: the folder that holds its files. As with sources, `wanted` is tried first.
 */
export async function binaryPackage(
  cache: string,
  suite: string,
  name: string,
  wanted: string,
): Promise<SourcePackage> {
  const directory = join(cache, 'packages', `${name}_${wanted}`);
  if (await exists(directory)) return { name, version: wanted, directory };
  const options = await aptState(join(cache, 'apt', suite), suite);
  const version = await choose(options, name, wanted);
  const found = await once(join(cache, 'packages', `${name}_${version}`), async (target) => {
    await download(options, name, version, target);
    const deb = (await readdir(target)).find((entry) => entry.endsWith('.deb'))!;
    await run('dpkg-deb', ['-x', join(target, deb), target], { timeoutMs: 900_000 });
    await run('rm', [join(target, deb)]);
  });
  return { name, version, directory: found };
}

async function download(options: readonly string[], name: string, version: string, target: string): Promise<void> {
  await run('apt-get', [...options, 'download', '-qq', `${name}=${version}`], {
    cwd: target,
    env: plainEnvironment(),
    timeoutMs: 900_000,
  });
}

async function unpacked(directory: string): Promise<string | undefined> {
  const folders = await readdir(directory).catch(() => []);
  const folder = folders.find((entry) => entry.startsWith('linux-source-'));
  return folder === undefined ? undefined : join(directory, folder);
}

async function aptState(state: string, suite: string): Promise<string[]> {
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'archives/partial'), { recursive: true });
  await writeFile(join(state, 'sources.list'), `deb [signed-by=${KEYRING}] ${await debianMirror()} ${suite} main\n`);
  const options = [
    ['Dir::Etc::sourcelist', join(state, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', join(state, 'lists')],
    ['Dir::Cache::archives', join(state, 'archives')],
    ['Dir::Cache::pkgcache', ''],
    ['Dir::Cache::srcpkgcache', ''],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, 'update', '-qq'], { timeoutMs: 300_000 });
  return options;
}

/** The Debian mirror this machine is set up with; none is named here. */
async function debianMirror(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new TypeError('apt has no Debian repository configured');
  return mirror;
}

async function choose(options: readonly string[], name: string, wanted: string | null): Promise<string> {
  const { stdout } = await run('apt-cache', [...options, 'madison', name]);
  const versions = stdout
    .split('\n')
    .map((line) => line.split('|')[1]?.trim() ?? '')
    .filter((version) => version !== '');
  const chosen = versions.find((version) => version === wanted) ?? versions[0];
  if (chosen === undefined) throw new TypeError(`the suite has no package ${name}`);
  return chosen;
}

async function fetchAndUnpack(
  options: readonly string[],
  name: string,
  version: string,
  target: string,
): Promise<void> {
  await download(options, name, version, target);
  const deb = (await readdir(target)).find((entry) => entry.endsWith('.deb'));
  await run('dpkg-deb', ['-x', join(target, deb!), join(target, 'deb')], { timeoutMs: 600_000 });
  const tarball = (await readdir(join(target, 'deb/usr/src'))).find(
    (entry) => entry.startsWith('linux-source-') && entry.includes('.tar'),
  );
  await run('tar', ['xf', join(target, 'deb/usr/src', tarball!), '-C', target], { timeoutMs: 900_000 });
  await run('rm', ['-r', join(target, 'deb'), join(target, deb!)]);
}
