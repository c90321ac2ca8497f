/** Writes docs/reference/lint.md from the one table of rules. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintRules, type Rule } from '#patch';

const FILE = join(import.meta.dirname, '../docs/reference/lint.md');

export function lintReference(): string {
  const rules: [string, Rule][] = Object.entries(lintRules);
  const rows = (inObjects: boolean): string =>
    rules
      .filter(([code]) => code.startsWith('object-') === inObjects)
      .map(([code, rule]) => rowOf(code, rule))
      .join('\n');
  return `# Lint of livepatches

\`tuxtape livepatch lint --kernel NAME (--cve CVE | --patch FILE)\` says what makes a change dangerous or impossible as a livepatch,
without building anything; \`livepatch build\` asks the same first. Exit code 71: something blocks. A finding has a code, the number of the
hazard, a level, a place, what was found, why it is dangerous and what to do instead.

| Level | Meaning |
| --- | --- |
| \`block\` | no livepatch is made of it |
| \`two-approvals\` | a second person must say yes, too |
| \`note\` | shown to the reviewer |

A finding with a hunk (\`init-code\`) names exactly one that can be left out. What is silent here may still be wrong: the lint reads text and
objects, not intent.

## Answers

\`livepatch build\` answers \`init-code\` by itself: hunks that lie in code of the start or removal alone are left out, also the part of a
hunk that changes other code, too (\`init-mixed\`), as long as something is left (\`init-only\`) and what is left changes compiled code
(\`nothing-left\`). The recipe lists each such hunk under \`answers\`, with what a reviewer has to be sure of: that the rest closes the hole
in a kernel that has started already. A line that exports a function that the fix adds (\`export-added\`) is left out, too: the objects of
the same livepatch find the function without. \`--no-answers\`, of a build or of a policy, refuses instead.

\`lint --suggest\` prints C text to begin with where a helper of livepatches can answer a finding: shadow variables for members that a structure
gets, callbacks for data that changes, where to put what a wide header adds. It is a start for a person; nothing is done with it by itself.

## In the diff and the source

The hunks are put into the source in memory, and both texts are compared: types, data, macros, functions, locks, calls. Comments and
spacing change nothing. With the profile of the kernel it is known which objects read a file.

| Code | Hazard | Level | What is found | Why | What to do instead |
| --- | --- | --- | --- | --- | --- |
${rows(false)}

## In pairs of objects

Every object that differs with and without the change. Types are compared by their debug information, and only when the change
touches something outside functions.

| Code | Hazard | Level | What is found | Why | What to do instead |
| --- | --- | --- | --- | --- | --- |
${rows(true)}
`;
}

function rowOf(code: string, { hazard, level, what, why, remedy }: Rule): string {
  return `| \`${code}\` | ${hazard ?? '–'} | \`${level}\` | ${what} | ${why} | ${remedy} |`;
}

if (import.meta.main) writeFileSync(FILE, lintReference());
