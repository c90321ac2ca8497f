import { needsAmongGiven } from './given.ts';
import { needsInHistory } from './history.ts';
import type { Need, NeedQuestion } from './need.ts';

const MAX_NEEDS = 5;

/**
 * Earlier commits that a fix seems to need here: by the history where there is one, else among the other fixes of the
 * source. They are candidates, with what speaks for each, the likeliest first; none is taken by itself.
 */
export async function findNeeds(question: NeedQuestion): Promise<readonly Need[]> {
  const { history } = question.fixes;
  const told = history === null ? [] : await needsInHistory(question, history);
  const found = told.length > 0 ? told : await needsAmongGiven(question);
  return found.slice(0, MAX_NEEDS);
}
