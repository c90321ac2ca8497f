import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

const CORPUS = join(import.meta.dirname, '../test/corpus');

/** One case of a corpus folder: an input file and beside it, under the same name, what must come of it as JSON. */
export interface CorpusCase {
  readonly name: string;
  readonly input: Buffer;
  readonly expected: Readonly<Record<string, unknown>>;
}

/** Every case of `test/corpus/<folder>`. Adding a case is adding a file and its `.json`. */
export function corpus(folder: string): CorpusCase[] {
  const home = join(CORPUS, folder);
  const inputs = readdirSync(home).filter((name) => extname(name) !== '.json');
  if (inputs.length === 0) throw new TypeError(`test/corpus/${folder} is empty`);
  return inputs.map((file) => {
    const name = basename(file, extname(file));
    const expected = JSON.parse(readFileSync(join(home, `${name}.json`), 'utf8')) as CorpusCase['expected'];
    return { name, input: readFileSync(join(home, file)), expected };
  });
}
