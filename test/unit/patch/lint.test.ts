/** The lint of livepatches: one case a file of test/corpus/lint, and what holds for all rules. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createTwoFilesPatch } from 'diff';
import type { Profile } from '#domain';
import { type FileDiff, type Finding, lint, lintRules, namedChange, parseDiff, refuseBlocking } from '#patch';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const folder = join(import.meta.dirname, '../../corpus/lint');

interface Case {
  readonly expected: string;
  readonly files: FileDiff[];
  readonly texts: ReadonlyMap<string, string>;
  readonly profile: Profile | undefined;
}

/** `// expect:`, `// readers:`, then sections `=== old|new|tree PATH`. The diff is made of the old and the new text. */
function caseOf(text: string): Case {
  const [head = '', ...sections] = text.split(/^=== /m);
  const texts = new Map<string, string>();
  const after = new Map<string, string>();
  for (const section of sections) {
    const end = section.indexOf('\n');
    const [kind, path] = section.slice(0, end).split(' ') as [string, string];
    (kind === 'new' ? after : texts).set(path, section.slice(end + 1));
  }
  const diff = [...after].map(([path, now]) =>
    createTwoFilesPatch(`a/${path}`, `b/${path}`, texts.get(path) ?? '', now),
  );
  const readers = /^\/\/ readers: (.*)$/m.exec(head)?.[1]?.split(' ');
  return {
    expected: /^\/\/ expect: (.*)$/m.exec(head)![1]!,
    files: parseDiff(diff.join('\n'), 'case'),
    texts,
    profile: readers && profileWith(readers.map((pair) => pair.split('=') as [string, string])),
  };
}

/** So many objects read each file; a source is read by its own. */
function profileWith(readers: readonly (readonly [string, string])[]): Profile {
  const objects = readers.flatMap(([path, count]) =>
    Array.from({ length: Number(count) }, (_, i) =>
      path.endsWith('.c') ? compiled(path.replace(/c$/, 'o'), path) : compiled(`o${i}.o`, `o${i}.c`),
    ),
  );
  const files = new Map(readers.map(([path, count]) => [path, Array.from({ length: Number(count) }, (_, i) => i)]));
  return profileOfParts({ objects, files });
}

function shown({ code, path, line, hunk }: Finding): string {
  return `${code} ${path}${line === null ? '' : `:${line}`}${hunk === null ? '' : ` #${hunk}`}`;
}

for (const name of readdirSync(folder)) {
  test(`lint ${basename(name, '.case')}`, () => {
    const { expected, files, texts, profile } = caseOf(readFileSync(join(folder, name), 'utf8'));
    const found = lint(files, (path) => texts.get(path), profile);
    assert.equal(found.map(shown).join(' | ') || 'none', expected);
  });
}
