/** Bundles the hook runner into one CommonJS file, build/reboot/tuxtape-reboot.cjs: no node_modules on hosts, and no library in it. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
export const rebootBundle = join(root, 'build/reboot/tuxtape-reboot.cjs');

export async function bundleReboot(): Promise<number> {
  const bundle = await rolldown({
    input: join(root, 'src/reboot-host/main.ts'),
    platform: 'node',
    treeshake: { moduleSideEffects: false },
  });
  mkdirSync(dirname(rebootBundle), { recursive: true });
  const { output } = await bundle.write({ file: rebootBundle, format: 'cjs', minify: true, codeSplitting: false });
  await bundle.close();
  const wrong = output.flatMap((part) =>
    part.type === 'chunk'
      ? Object.entries(part.modules).flatMap(([id, { renderedLength }]) =>
          renderedLength > 0 && id.includes('/node_modules/') ? [id] : [],
        )
      : [],
  );
  if (wrong.length > 0) throw new TypeError(`the hook runner's bundle holds ${wrong.join(', ')}`);
  return statSync(rebootBundle).size;
}

if (import.meta.main) console.log(`build/reboot/tuxtape-reboot.cjs: ${await bundleReboot()} bytes`);
