/** What the model looks at: the text and the paths of a CVE record, never a score. */
export interface ScorableText {
  readonly title: string;
  readonly description: string;
  readonly files: readonly string[];
}

/** Features are hashed into this many buckets ("hashing trick", Weinberger et al. 2009): the model has no word list. */
export const FEATURE_BITS = 16;
export const FEATURES = 1 << FEATURE_BITS;

const MAX_WORD = 30;
const MAX_TEXT = 20_000;

/**
 * The set of buckets of a CVE: words and word pairs of the title, words of the description, the parts of identifiers, and
 * every prefix of each path. Addresses and other hex are no words.
 */
export function features({ title, description, files }: ScorableText): Uint32Array {
  const found = new Set<number>();
  const titleWords = words(title);
  titleWords.forEach((word, index) => {
    addWord(found, 't:', word);
    if (index > 0) found.add(bucket(`t:${titleWords[index - 1]} ${word}`));
  });
  for (const word of words(description.slice(0, MAX_TEXT))) addWord(found, 'd:', word);
  for (const file of files) {
    const parts = file.split('/');
    for (let end = 1; end <= parts.length; end += 1) found.add(bucket(`p:${parts.slice(0, end).join('/')}`));
  }
  return Uint32Array.from(found);
}

function words(text: string): string[] {
  const all = text.toLowerCase().match(/[a-z][a-z0-9_]+/g) ?? [];
  return all.filter((word) => word.length < MAX_WORD && !/^[0-9a-f]{8,}$/.test(word));
}

function addWord(found: Set<number>, kind: string, word: string): void {
  found.add(bucket(kind + word));
  if (!word.includes('_')) return;
  for (const part of word.split('_')) if (part.length > 1) found.add(bucket(kind + part));
}

/** FNV-1a over UTF-16 units, mixed once more: its low bits alone are uneven. Part of the model file's meaning. */
function bucket(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) & (FEATURES - 1);
}
