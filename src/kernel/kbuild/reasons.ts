import { posix } from 'node:path';
import type { KernelConfig } from '../kconfig.ts';
import type { Mention } from './facts.ts';

const MAX_REASONS = 4;
const MAX_PARENTS = 4;

/** `CONFIG_NET=y`, `CONFIG_TLS not set`, for every option that a text of a Makefile names; else the text itself. */
function conditionText(text: string, config: KernelConfig): string {
  const options = [...new Set(Array.from(text.matchAll(/CONFIG_(\w+)/g), (match) => match[1]!))];
  if (options.length === 0) return `"${text.slice(0, 120)}"`;
  return options
    .map((name) => {
      const value = config.get(name);
      return value === undefined || value === 'n' ? `CONFIG_${name} not set` : `CONFIG_${name}=${value.slice(0, 60)}`;
    })
    .join(' and ');
}

/** Under which conditions Makefiles mention a path. */
export class Reasons {
  readonly #mentions = new Map<string, Mention[]>();
  readonly #config: KernelConfig;

  constructor(config: KernelConfig) {
    this.#config = config;
  }

  add(path: string, mentions: readonly Mention[]): void {
    const known = this.#mentions.get(path);
    if (known) known.push(...mentions);
    else this.#mentions.set(path, [...mentions]);
  }

  has(path: string): boolean {
    return this.#mentions.has(path);
  }

  /** Why the configuration keeps a path out; undefined when no condition is known that does. */
  off(path: string, depth = 0): string | undefined {
    const found = new Set<string>();
    for (const mention of this.#mentions.get(path) ?? []) {
      const why = mention.off ? this.#offText(mention) : this.#parentOff(path, mention, depth);
      if (why !== undefined) found.add(why);
      if (found.size >= MAX_REASONS) break;
    }
    return found.size === 0 ? undefined : [...found].join('; ');
  }

  /** The conditions that put a path in. */
  on(path: string): string {
    const mention = this.#mentions.get(path)?.find(({ off }) => !off);
    if (mention === undefined) return 'listed';
    const texts = mention.guards.map(({ text }) => conditionText(text, this.#config));
    if (mention.written.includes('$')) texts.push(conditionText(mention.written, this.#config));
    return `${texts.length === 0 ? 'always' : texts.join(' and ')} (${mention.place})`;
  }

  #offText({ variable, written, guards, place }: Mention): string {
    const texts = guards
      .filter(({ mode }) => mode === 'dead')
      .map(({ text }) => `${conditionText(text, this.#config)} in "${text.slice(0, 120)}"`);
    if (written.includes('$') && /-n?$/.test(variable)) texts.push(conditionText(written, this.#config));
    return `${texts.join(' and ')} (${place})`;
  }

  /** A part of an object that is itself left out. */
  #parentOff(path: string, { variable, place }: Mention, depth: number): string | undefined {
    const base = /^(.+?)-(?:objs|y|m|dtbs)$/.exec(variable)?.[1];
    if (base === undefined || depth >= MAX_PARENTS) return undefined;
    const folder = posix.dirname(place.slice(0, place.lastIndexOf(':')));
    const parent = posix.normalize(posix.join(folder, `${base}.o`));
    return parent === path ? undefined : this.off(parent, depth + 1);
  }
}
