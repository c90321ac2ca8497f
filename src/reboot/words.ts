import type { RebootAction } from '#domain';
import { RebootError } from './error.ts';

/** Lower-case letters, digits and dashes: a name of a folder, and never an option, a path or a word of a shell. */
const PLAN_ID = /^[a-z0-9](?:[a-z0-9-]{6,62})[a-z0-9]$/;

/** What a hook can be told, and nothing else. */
export interface HookValues {
  readonly step: RebootAction;
  readonly plan: string;
}

/** Words of a hook's arguments that are replaced, each as a whole, by one word. */
export const placeholders: Readonly<Record<string, (values: HookValues) => string>> = {
  '{step}': ({ step }) => step,
  '{plan-id}': ({ plan }) => plan,
};

/** The id of a plan, which may come from a server. Errors: plan-invalid. */
export function planId(text: string): string {
  if (PLAN_ID.test(text)) return text;
  throw new RebootError('plan-invalid', 'input', {
    what: 'the id of a plan has 8 to 64 lower-case letters, digits and dashes between them',
    where: JSON.stringify(text.slice(0, 80)),
  });
}

/** The arguments that a hook gets: as many as are written for it, in their order. */
export function argumentsOf(words: readonly string[], values: HookValues): string[] {
  return words.map((word) => (Object.hasOwn(placeholders, word) ? placeholders[word]!(values) : word));
}
