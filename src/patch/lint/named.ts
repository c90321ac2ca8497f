import type { FileDiff } from '../diff.ts';
import { changeOf } from './change.ts';

/** What a patch changes by its text. */
export interface NamedChange {
  /** Functions whose text changes, by every name that symbol tables may have. */
  readonly functions: ReadonlySet<string>;
  /** Something outside functions changes: a type, data, a macro, a prototype. Then the types of the objects are compared. */
  readonly outside: boolean;
}

/** Reads from the texts what `lintObjects` has to know of a patch. */
export function namedChange(files: readonly FileDiff[], textOf: (path: string) => string | undefined): NamedChange {
  const changes = files.filter(({ path }) => /\.[chS]$/.test(path)).map((file) => changeOf(file, textOf(file.path)));
  const functions = changes
    .flatMap((change) => change.functions)
    .flatMap(({ before, after }) => [...(before?.names ?? []), ...(after?.names ?? [])]);
  const outside = changes.some(
    ({ before, after, fits }) => !fits || before.outside !== after.outside || macros(before) !== macros(after),
  );
  return { functions: new Set(functions), outside };
}

function macros({ lines }: ReturnType<typeof changeOf>['before']): string {
  return lines.filter((line) => /^\s*#|\\$/.test(line)).join('\n');
}
