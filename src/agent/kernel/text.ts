import { readFile } from 'node:fs/promises';

/** A file of sysfs or proc, trimmed; undefined where it is not there: entries vanish while they are read, and that is an answer. */
export async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (content) => content.trim(),
    () => undefined,
  );
}
