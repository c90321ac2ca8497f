import cvss from 'ae-cvss-calculator';
import { FeedError } from './error.ts';

/** Base metrics of a CVSS v3.1 vector, each once, in the customary order (specification section 6); optional ones may follow. */
const VECTOR =
  /^CVSS:3\.[01]\/AV:[NALP]\/AC:[LH]\/PR:[NLH]\/UI:[NR]\/S:[UC]\/C:[NLH]\/I:[NLH]\/A:[NLH](?:\/(?:E|RL|RC|CR|IR|AR|MAV|MAC|MPR|MUI|MS|MC|MI|MA):[A-Z])*$/;
const MAX_VECTOR = 200;

/** Base score of a vector, computed: the score field beside a vector is never trusted. Errors: cvss-invalid. */
export function scoreOf(vector: string): number {
  if (vector.length <= MAX_VECTOR && VECTOR.test(vector)) {
    const { base } = new cvss.Cvss3P1(vector.replace(/^CVSS:3\.0/, 'CVSS:3.1')).calculateScores();
    if (typeof base === 'number' && base >= 0 && base <= 10) return base;
  }
  throw new FeedError('cvss-invalid', 'untrusted', { what: `not a CVSS v3.1 vector: "${vector.slice(0, 80)}"` });
}
