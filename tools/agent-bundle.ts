/** Bundles the agent into one CommonJS file, build/agent/tuxtape-agent.cjs: no node_modules on hosts. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
export const agentBundle = join(root, 'build/agent/tuxtape-agent.cjs');

/** Libraries that must never reach a host: each has another purpose, and each is code that runs as root. */
const FORBIDDEN = ['pino', 'zod', 'commander', 'kysely', 'pg', 'fastify', 'postal-mime', '@tufjs/models', 'tuf-js'];

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
  const wrong = FORBIDDEN.filter((name) => modules.some((id) => id.includes(`/node_modules/${name}/`)));
  if (wrong.length > 0) throw new TypeError(`the agent's bundle holds ${wrong.join(', ')}`);
  return statSync(agentBundle).size;
}

if (import.meta.main) console.log(`build/agent/tuxtape-agent.cjs: ${await bundleAgent()} bytes`);
