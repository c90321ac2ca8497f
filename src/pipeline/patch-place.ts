import { exists } from '#host';
import { KernelError, type TreeLayout, treeLayout } from '#kernel';
import type { FixSource } from '#patch';
import { needKernel, type Store } from '#store';
import type { ComposePlace } from './change.ts';
import { profileOf } from './kernel.ts';
import { requireSameBuild } from './same-build.ts';

/** What changes of a kernel are composed against: its tree, as it was built. Errors: not-found, tree-missing, source-changed. */
export async function patchPlace(
  store: Store,
  name: string,
  fixes: FixSource | null,
): Promise<ComposePlace & { readonly layout: TreeLayout }> {
  const kernel = await needKernel(store.db, name);
  const layout = treeLayout(kernel.treeDirectory);
  const profile = await profileOf(store.db, kernel);
  const missing = profile === null ? 'has no profile' : !(await exists(layout.build)) ? 'has no build tree here' : null;
  if (profile === null || missing !== null)
    throw new KernelError('tree-missing', 'input', {
      what: `the kernel ${missing}`,
      where: kernel.name,
      remedy: 'run "tuxtape kernel build"',
    });
  await requireSameBuild(kernel, layout.build);
  return { store, kernel, tree: layout.build, profile, fixes, layout };
}
