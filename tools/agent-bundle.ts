/** Bundles the agent into one CommonJS file, build/agent/tuxtape-agent.cjs: no node_modules on hosts. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
export const agentBundle = join(root, 'build/agent/tuxtape-agent.cjs');

/** Folders whose code may run as root on a host. No library is among them: the bundle has no third-party code. */
const ALLOWED = ['src/agent', 'src/trust', 'src/klog', 'src/domain', 'src/host'];
/** A fleet loads every update of it. */
export const MAX_BUNDLE_BYTES = 250_000;

export async function bundleAgent(): Promise<number> {
  const bundle = await rolldown({
    input: join(root, 'src/agent/main.ts'),
    platform: 'node',
    treeshake: { moduleSideEffects: false },
  });
  mkdirSync(dirname(agentBundle), { recursive: true });
  const { output } = await bundle.write({ file: agentBundle, format: 'cjs', minify: true, codeSplitting: false });
  await bundle.close();
  const modules = output.flatMap((part) =>
    part.type === 'chunk'
      ? Object.entries(part.modules)
          .filter(([, module]) => module.renderedLength > 0)
          .map(([id]) => id)
      : [],
  );
  // Modules of the bundler itself have no path.
  const wrong = modules.filter(
    (id) => id.startsWith('/') && !ALLOWED.some((folder) => id.startsWith(join(root, folder, '/'))),
  );
  if (wrong.length > 0) throw new TypeError(`the agent's bundle holds ${wrong.join(', ')}`);
  const { size } = statSync(agentBundle);
  if (size > MAX_BUNDLE_BYTES)
    throw new TypeError(`the agent's bundle has ${size} bytes, at most ${MAX_BUNDLE_BYTES} are allowed`);
  return size;
}

if (import.meta.main) console.log(`build/agent/tuxtape-agent.cjs: ${await bundleAgent()} bytes`);
