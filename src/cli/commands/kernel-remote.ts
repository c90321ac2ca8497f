import type { Client, Kernel } from '#contract';
import type { Context } from '../context.ts';
import { ask } from '../remote.ts';
import { inert, table } from '../text.ts';

/** The kernels of a server, those that its token may see. */
export async function listRemote(context: Context, client: Client): Promise<void> {
  const kernels = await ask(client, (server) => server.kernels());
  context.print(kernels, () =>
    kernels.length === 0
      ? 'There is no kernel that this token may see.'
      : table(['NAME', 'VERSION', 'RELEASE', 'BUILD-ID', 'TOOLCHAIN'], kernels.map(row)),
  );
}

export async function showRemote(context: Context, client: Client, name: string): Promise<void> {
  const kernel = await ask(client, (server) => server.kernel(name));
  const { counts } = await ask(client, (server) => server.summary(name));
  const by = Map.groupBy(counts, ({ status }) => status);
  const verdicts = [...by].map(([status, some]) => [status, some.reduce((sum, { count }) => sum + count, 0)] as const);
  context.print({ ...kernel, verdicts: Object.fromEntries(verdicts) }, () =>
    [
      `name       ${inert(kernel.name)}${kernel.bundled ? '  (sample that comes with TuxTape)' : ''}`,
      `version    ${inert(kernel.version)}${kernel.release === null ? '' : `, uname -r: ${inert(kernel.release)}`}`,
      `build-id   ${inert(kernel.buildId ?? 'not built yet')}`,
      `toolchain  ${inert(kernel.compiler)}`,
      ...verdicts.map(([status, count]) => `verdicts   ${count} ${status}`),
    ].join('\n'),
  );
}

function row({ name, version, release, buildId, compiler, bundled }: Kernel): string[] {
  return [bundled ? `${name} (sample)` : name, version, release ?? '', buildId ?? '', compiler];
}
