import { MAX_RANGES_PER_CVE, type Range, type RangeEnd } from '#domain';

/** Titles of the sections of an announcement, in their order (vulns.git, tools/bippy). */
const TITLES = [
  'Description',
  'Severity',
  'Affected and fixed versions',
  'Affected versions',
  'Affected files',
  'Mitigation',
] as const;

/**
 * Cuts an announcement into its sections: a known title, underlined by as many `=`. Kernel logs quoted in descriptions are
 * full of underlined lines, so only the known titles count, each once and in order.
 */
export function sectionsOf(body: string): Map<string, string> {
  const lines = body.split('\n');
  const heads: { title: string; line: number }[] = [];
  let next = 0;
  for (let i = 0; i + 1 < lines.length; i += 1) {
    const title = lines[i]!;
    const order = TITLES.indexOf(title as (typeof TITLES)[number]);
    if (order < next || lines[i + 1] !== '='.repeat(title.length)) continue;
    heads.push({ title, line: i });
    next = order + 1;
  }
  const end = (i: number): number => heads[i + 1]?.line ?? lines.length;
  // The tab before a line says that it is data: blank lines go, the first line keeps its own.
  return new Map(
    heads.map(({ title, line }, i) => {
      const text = lines.slice(line + 2, end(i)).join('\n');
      return [title, text.replace(/^\s*\n/, '').trimEnd()];
    }),
  );
}

const COMMIT = /^[0-9a-f]{7,40}$/;

function end(version: string, commit: string): RangeEnd {
  // One mail says "with commit rewrote": a word that is no object name is no commit.
  return { version, commit: COMMIT.test(commit) ? commit : null };
}

/**
 * The three grammars of version lines: introduced and fixed; introduced only (that branch has no fix); fixed only (origin
 * unknown). "Issue fixed in mainline with commit C" of ten hand-edited mails names no version and gives no range.
 */
export function readVersionLines(lines: readonly string[]): Range[] {
  const ranges: Range[] = [];
  for (const line of lines.slice(0, MAX_RANGES_PER_CVE)) {
    const both = /^Issue introduced in (\S+) with commit (\S+) and fixed in (\S+) with commit (\S+)$/.exec(line);
    const open = /^Issue introduced in (\S+) with commit (\S+)$/.exec(line);
    const fixed = /^Fixed in (\S+) with commit (\S+)$/.exec(line);
    if (both) ranges.push({ introduced: end(both[1]!, both[2]!), fixed: end(both[3]!, both[4]!) });
    else if (open) ranges.push({ introduced: end(open[1]!, open[2]!), fixed: null });
    else if (fixed) ranges.push({ introduced: null, fixed: end(fixed[1]!, fixed[2]!) });
  }
  return ranges;
}
