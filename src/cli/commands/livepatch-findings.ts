import type { LivepatchRecipe, RecipeFinding } from '#domain';
import { inert } from '../text.ts';

/** How the change fits, and what the lint wants a reviewer to know: what asks for two approvals first, with its reasons. */
export function recipeNotes({ fit, findings }: LivepatchRecipe): string[] {
  const fits = fit === undefined ? [] : [`applies   ${[fit.how, ...fit.remarks.map(inert)].join('; ')}`];
  if (findings === undefined) return [...fits, 'lint      not recorded'];
  const grave = findings.filter(({ level }) => level === 'two-approvals');
  const notes = findings.filter(({ level }) => level === 'note');
  return [
    ...fits,
    `lint      ${grave.length} need two approvals, ${notes.length} notes`,
    ...grave.flatMap((one) => [
      placed(one),
      `            why: ${inert(one.why)}`,
      `            do:  ${inert(one.remedy)}`,
    ]),
    ...notes.map(placed),
  ];
}

function placed({ code, level, path, line, what }: RecipeFinding): string {
  const place = line === null ? path : `${path}:${line}`;
  return `  ${level.padEnd(13)} ${code} ${inert(place)}: ${inert(what)}`;
}
