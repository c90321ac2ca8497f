/** Debian package of server, builder and command line: build/packages/tuxtape_VERSION_ARCH.deb. */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import { join, relative } from 'node:path';
import { buildDebian, type Entry } from './package/debian.ts';

const root = join(import.meta.dirname, '..');
const packaging = join(root, 'packaging');
export const packages = join(root, 'build/packages');
const HOME = 'usr/lib/tuxtape/app';
/** What runs; tests, tools and documents stay in the clone. */
const FOLDERS = ['src', 'bin', 'fixtures', 'build/web'];
const FILES = ['package.json', 'LICENSE', 'CHANGELOG.md'];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

/** Every file of a folder, links as links. */
function* walk(folder: string): Generator<Entry> {
  for (const { name } of readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, name);
    const found = lstatSync(path);
    const to = join(HOME, relative(root, path));
    if (found.isDirectory()) yield* walk(path);
    else if (found.isSymbolicLink()) yield { link: readlinkSync(path), to };
    else yield { from: path, to, mode: found.mode & 0o111 ? 0o755 : 0o644 };
  }
}

/** The packages that the program itself needs, as the lock file says; those of other machines are not installed. */
function libraries(): Entry[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const wanted = Object.entries(lock.packages).flatMap(([path, { dev }]) =>
    path !== '' && dev !== true && existsSync(join(root, path)) ? [path] : [],
  );
  // A package inside of another comes with it, unless it is only for development.
  const nested = (path: string): boolean => wanted.some((other) => path.startsWith(`${other}/`));
  const skipped = new Set(Object.entries(lock.packages).flatMap(([path, { dev }]) => (dev === true ? [path] : [])));
  const isSkipped = (entry: Entry): boolean => [...skipped].some((path) => entry.to.startsWith(`${HOME}/${path}/`));
  return wanted
    .filter((path) => !nested(path))
    .flatMap((path) => [...walk(join(root, path))].filter((one) => !isSkipped(one)));
}

export function serverFiles(): Entry[] {
  const unit = (name: string): Entry => ({
    from: join(packaging, 'systemd', name),
    to: `lib/systemd/system/${name}`,
    mode: 0o644,
  });
  return [
    ...FOLDERS.flatMap((folder) => [...walk(join(root, folder))]).filter(
      (entry) => !entry.to.includes('/src/agent/') && !entry.to.endsWith('tsconfig.json'),
    ),
    ...FILES.map((name) => ({ from: join(root, name), to: join(HOME, name), mode: 0o644 })),
    ...libraries(),
    { link: '../lib/tuxtape/app/bin/tuxtape', to: 'usr/bin/tuxtape' },
    { from: join(packaging, 'debian/tuxtape.toml'), to: 'etc/tuxtape/tuxtape.toml', mode: 0o640 },
    { from: join(root, 'LICENSE'), to: 'usr/share/doc/tuxtape/copyright', mode: 0o644 },
    unit('tuxtape-server.service'),
    unit('tuxtape-builder.service'),
  ];
}

/** The page must have been built (`make install build/web/index.html`). */
export function packageServer(): string {
  if (!existsSync(join(root, 'build/web/index.html')))
    throw new TypeError('build the page first: make build/web/index.html');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const script = (name: string): string => join(packaging, 'debian', `${name}.sh`);
  return buildDebian(
    {
      name: 'tuxtape',
      version,
      architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
      depends: 'adduser, bubblewrap, git, libc6, libstdc++6, patch, xz-utils',
      description: 'livepatches for Linux kernels that nobody livepatches for you: server, builder, command line',
      files: serverFiles(),
      scripts: { postinst: script('postinst'), prerm: script('prerm'), postrm: script('postrm') },
      conffiles: ['/etc/tuxtape/tuxtape.toml'],
    },
    packages,
  );
}

if (import.meta.main) {
  const file = packageServer();
  console.log(`${relative(root, file)}: ${statSync(file).size} bytes`);
}
