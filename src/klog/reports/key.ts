import { customaryName } from './frames.ts';

/**
 * What differs between two hosts that meet the same bug: addresses, numbers, sizes. Titles keep numbers after a bracket or a
 * comma (`unknown-block(0,0)`), keys do not.
 */
export function withoutNumbers(text: string, brackets = true): string {
  return text
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, '')
    .replace(/\b(?:0x[0-9a-fA-F]+|(?=[0-9a-f]*[a-f])(?=[a-f]*\d)[0-9a-f]{8,16}|[0-9a-f]{16})\b/g, 'ADDR')
    .replace(brackets ? /(^|[^a-zA-Z0-9_])-?\d+(?![a-zA-Z_])/g : /(^|[^a-zA-Z0-9_(,])-?\d+(?![a-zA-Z_])/g, '$1NUM')
    .replace(/\s+$/, '');
}

/** The same for every host, boot, CPU, task and build that meets the bug. */
export function reportKey(kind: string, title: string, guilty: string | null, module: string | null): string {
  return [kind, withoutNumbers(title), guilty === null ? '' : customaryName(guilty), module ?? ''].join('|');
}
