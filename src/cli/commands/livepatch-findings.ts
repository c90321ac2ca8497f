import type { LivepatchRecipe, RecipeFinding } from '#domain';
import { inert } from '../text.ts';

/** How the change fits, and what the lint wants a reviewer to know: what asks for two approvals first, with its reasons. */
export function recipeNotes(recipe: LivepatchRecipe): string[] {
  const { fit, findings } = recipe;
  const fits = fit === undefined ? [] : [`applies   ${[fit.how, ...fit.remarks.map(inert)].join('; ')}`];
  const first = [...fits, ...answerNotes(recipe)];
  if (findings === undefined) return [...first, 'lint      not recorded'];
  const grave = findings.filter(({ level }) => level === 'two-approvals');
  const notes = findings.filter(({ level }) => level === 'note');
  return [
    ...first,
    `lint      ${grave.length} need two approvals, ${notes.length} notes`,
    ...grave.flatMap((one) => [
      placed(one),
      `            why: ${inert(one.why)}`,
      `            do:  ${inert(one.remedy)}`,
    ]),
    ...notes.map(placed),
  ];
}

/** What the machine did by itself to the fix, and what the reviewer has to be sure of. */
export function answerNotes({ answers = [] }: LivepatchRecipe): string[] {
  return answers.flatMap(({ code, path, line, what, check }) => [
    `answered  ${code} ${inert(line === null ? path : `${path}:${line}`)}: ${inert(what)}`,
    `            sure that: ${inert(check)}`,
  ]);
}

function placed({ code, level, path, line, what }: RecipeFinding): string {
  const place = line === null ? path : `${path}:${line}`;
  return `  ${level.padEnd(13)} ${code} ${inert(place)}: ${inert(what)}`;
}
