/** Writes fixtures/sample-kernel from a kernel that was built: node tools/sample-kernel.ts TREE NAME. Paths and names are facts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '#host';
import { encodeProfile, needBuilt, readProfile, treeLayout } from '#kernel';

const target = join(import.meta.dirname, '../fixtures/sample-kernel');

async function main(directory: string, name: string): Promise<void> {
  const layout = treeLayout(directory);
  const built = await needBuilt(layout);
  const profile = encodeProfile(await readProfile(layout.build));
  const kernel = {
    name,
    release: built.release,
    version: built.version,
    arch: 'x86_64',
    state: 'built',
    buildId: built.buildId,
    configSha256: sha256(readFileSync(join(layout.out, '.config'))),
    toolchain: { kind: 'chroot', root: null, compiler: built.compiler },
  };
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'profile.zst'), profile);
  writeFileSync(join(target, 'kernel.json'), `${JSON.stringify(kernel, null, 2)}\n`);
  console.log(`${name}: ${profile.length} bytes`);
}

await main(process.argv[2] ?? '', process.argv[3] ?? 'sample-server');
