/**
 * Text of a Makefile variable in three-valued form: what is known stands as it is, and two marks say what is not.
 * Makefiles are read as latin1, so no text of theirs can hold a mark.
 */

/** Any text at all, also none and also several words. */
export const HOLE = '\uE000';
/** Before a word: the word is there or it is not. */
export const MAYBE = '\uE001';

export function isKnown(text: string): boolean {
  return !text.includes(HOLE) && !text.includes(MAYBE);
}

export function wordsOf(text: string): string[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '');
}

export type WordKind = 'sure' | 'maybe' | 'hole';

export function kindOf(word: string): WordKind {
  if (word.includes(HOLE) || word.lastIndexOf(MAYBE) > 0) return 'hole';
  return word.startsWith(MAYBE) ? 'maybe' : 'sure';
}

/** The word without its mark. */
export function bare(word: string): string {
  return word.startsWith(MAYBE) ? word.slice(MAYBE.length) : word;
}

/** Every word of the text may be there or not. */
export function doubted(text: string): string {
  return wordsOf(text)
    .map((word) => (kindOf(word) === 'sure' ? MAYBE + word : kindOf(word) === 'maybe' ? word : HOLE))
    .join(' ');
}

/** Applies a function of one word to each word; what it makes of a doubtful word is doubtful, and of an unknown one unknown. */
export function mapWords(text: string, change: (word: string) => string): string {
  const out: string[] = [];
  for (const word of wordsOf(text)) {
    const kind = kindOf(word);
    const made = kind === 'hole' ? HOLE : kind === 'sure' ? change(word) : doubted(change(bare(word)));
    if (made !== '') out.push(made);
  }
  return out.join(' ');
}

/**
 * Joins pieces of one text. A piece with marks that touches other text leaves nothing known of the word they form:
 * `$(A)b` is `b`, `xb` or `x yb`.
 */
export function joinPieces(pieces: readonly string[]): string {
  const kept = pieces.filter((piece) => piece !== '');
  if (kept.length === 1) return kept[0]!;
  return kept
    .map((piece, i) => {
      if (isKnown(piece)) return piece;
      const touches = endsInWord(kept[i - 1]) || startsWithWord(kept[i + 1]);
      return touches ? HOLE : piece;
    })
    .join('');
}

function endsInWord(text: string | undefined): boolean {
  return text !== undefined && !/\s$/.test(text);
}

function startsWithWord(text: string | undefined): boolean {
  return text !== undefined && !/^\s/.test(text);
}
