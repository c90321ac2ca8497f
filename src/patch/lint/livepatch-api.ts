import { type Finding, finding, some } from './finding.ts';
import type { Family } from './surroundings.ts';

const CALLBACK =
  /\b(?:(?:KPATCH|KLP)_(?:PRE|POST)_(?:UN)?PATCH_CALLBACK|klp_callbacks|KPATCH_(?:FORCE|LOAD|UNLOAD)\w*)\b/g;
const SHADOW = /\bklp_shadow_\w+/g;

/** Hazards 2, 23 and 24: what a patch uses of livepatching itself. */
export const livepatchApi: Family = ({ path, file, hunks }) => {
  const added = file.hunks.flatMap(({ lines }, hunk) =>
    lines.filter(({ kind }) => kind === '+').map(({ text }) => ({ text, line: hunks[hunk]?.after[0] ?? null })),
  );
  const found: Finding[] = [];
  const named = (pattern: RegExp): string[] => [...new Set(added.flatMap(({ text }) => text.match(pattern) ?? []))];
  const lineOf = (pattern: RegExp): number | null => added.find(({ text }) => text.search(pattern) >= 0)?.line ?? null;
  const callbacks = named(CALLBACK);
  if (callbacks.length > 0)
    found.push(finding('callback', { path, line: lineOf(CALLBACK) }, `the patch brings ${some(callbacks)}`));
  const shadows = named(SHADOW);
  if (shadows.length === 0) return found;
  found.push(finding('shadow-variable', { path, line: lineOf(SHADOW) }, `the patch uses ${some(shadows)}`));
  if (!isChecked(added.map(({ text }) => text).join('\n')))
    found.push(finding('shadow-unchecked', { path, line: lineOf(SHADOW) }));
  return found;
};

/** Every result of klp_shadow_get is tested near by, and what is allocated is read that way. */
function isChecked(text: string): boolean {
  const reads = [...text.matchAll(/(\w+)\s*=\s*klp_shadow_get\s*\(/g)].map(([, name]) => name!);
  if (reads.length === 0) return /klp_shadow_get_or_alloc/.test(text) && !/klp_shadow_alloc\b/.test(text);
  return reads.every((name) => new RegExp(`(?:!\\s*${name}\\b|\\(\\s*${name}\\s*(?:\\)|&&|\\|\\||!=))`).test(text));
}
