import type { KernelMapView } from '#contract';

type Folder = NonNullable<KernelMapView['folders']>[number];

/** A folder as a picture nests it. `value`: its compiled files, with those below. */
export interface TreeNode {
  readonly name: string;
  readonly value: number;
  readonly affected: number;
  readonly open: number;
  readonly children: readonly TreeNode[];
}

/** Nests folders by their paths; each has the folder above it in the list. */
export function treeOf(folders: readonly Folder[]): TreeNode[] {
  const below = Map.groupBy(folders, ({ path }) => path.split('/').slice(0, -1).join('/'));
  const nest = (parent: string): TreeNode[] =>
    (below.get(parent) ?? []).map(({ path, files, affected, open }) => {
      return { name: path, value: files, affected, open, children: nest(path) };
    });
  return nest('');
}
