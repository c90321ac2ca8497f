import { tryStep } from '../compose/try-step.ts';
import { declaringPaths } from './declares.ts';
import { isMissing, isOwn, type Need, type NeedQuestion, readChange } from './need.ts';

/** Changes that are read, and that are tried. */
const MAX_READ = 4_000;
const MAX_TRIED = 40;

/** Looks among the other fixes of the source: one that brings a name, or with which the fix applies. */
export async function needsAmongGiven(question: NeedQuestion): Promise<Need[]> {
  const { step, names, fixes, options } = question;
  const commits = (await fixes.list()).filter((commit) => !isOwn(step, commit)).slice(0, MAX_READ);
  const own = new Set(step.files.map(({ path }) => path));
  const found: Need[] = [];
  let tried = 0;
  for (const commit of commits) {
    const files = await readChange(fixes, commit);
    if (files === null) continue;
    const about = { commit, subject: null, how: 'given' as const };
    const brings = names.flatMap((name) => declaringPaths(files, name).map((path) => `brings ${name} in ${path}`));
    if (brings.length > 0 && (await isMissing(files, options))) found.push({ ...about, why: brings[0]! });
    if (names.length > 0 || tried >= MAX_TRIED || !files.some(({ path }) => own.has(path))) continue;
    tried += 1;
    if (!(await isMissing(files, options))) continue;
    const { texts } = await tryStep(files, new Map(), options, false);
    if (texts === null || (await tryStep(step.files, texts, options, false)).texts === null) continue;
    found.push({ ...about, why: 'changes the same place, and with it the fix applies' });
  }
  return found;
}
