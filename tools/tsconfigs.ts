/** Writes one tsconfig per folder of `src/` from the arrow table, or with `--check` says which differ (exit 1). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrows, browser, pure } from './arrows.ts';

/** Tests and tools see every folder's face and emit nothing. */
const outsideConfig = {
  extends: './tsconfig.base.json',
  compilerOptions: {
    composite: false,
    declaration: false,
    emitDeclarationOnly: false,
    noEmit: true,
    lib: ['ES2024', 'ESNext.Disposable', 'DOM'],
    types: ['node'],
  },
};

export function tsconfigs(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [folder, targets] of Object.entries(arrows)) {
    const lib = browser.has(folder) ? ['ES2024', 'DOM', 'DOM.Iterable'] : ['ES2024', 'ESNext.Disposable'];
    const types = pure.has(folder) || browser.has(folder) ? [] : ['node'];
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        rootDir: '.',
        outDir: `../../build/types/${folder}`,
        tsBuildInfoFile: `../../build/types/${folder}.tsbuildinfo`,
        lib,
        types,
        ...(browser.has(folder) ? { jsx: 'react-jsx', noEmit: false } : {}),
      },
      include: browser.has(folder) ? ['**/*.ts', '**/*.tsx'] : ['**/*.ts'],
      references: targets.map((target) => ({ path: `../${target}` })),
    };
    files.set(`src/${folder}/tsconfig.json`, render(config));
  }
  const references = Object.keys(arrows).map((folder) => ({ path: `src/${folder}` }));
  files.set('tsconfig.json', render({ files: [], references }));
  const outside = ['test', 'testkit', 'bench', 'tools'];
  for (const folder of outside) {
    files.set(`${folder}/tsconfig.json`, render({ extends: '../tsconfig.test.json', include: ['**/*.ts'] }));
  }
  files.set(
    'tsconfig.test.json',
    render({ ...outsideConfig, include: outside.map((folder) => `${folder}/**/*.ts`), references }),
  );
  return files;
}

function render(config: unknown): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

function main(check: boolean): void {
  const root = join(import.meta.dirname, '..');
  let stale = 0;
  for (const [path, text] of tsconfigs()) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    stale += 1;
    if (check) console.error(`${path} is not what tools/arrows.ts says: run "node tools/tsconfigs.ts"`);
    else writeFileSync(file, text);
  }
  if (check && stale > 0) process.exitCode = 1;
}

if (import.meta.main) main(process.argv.includes('--check'));
