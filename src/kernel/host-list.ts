import { basename } from 'node:path';
import * as z from 'zod';
import { type HostModules, moduleName } from '#domain';
import { KernelError } from './error.ts';

export const MAX_HOST_LIST_BYTES = 4 << 20;
const MAX_MODULES = 20_000;
/** A host's clock may be wrong by so much; a list from further ahead would count as fresh for too long. */
const MAX_AHEAD_MS = 3_600_000;

const NAME = /^[\w-]{1,64}$/;
const HOST = /^[A-Za-z0-9][\w.-]{0,252}$/;

/** A list as it was given. Release and build-id null: it does not say of which kernel it is. */
export interface HostList extends HostModules {
  readonly release: string | null;
  readonly buildId: string | null;
}

const line = z.string().max(512);
const json = z.strictObject({
  host: z.string().regex(HOST),
  release: line.optional(),
  buildId: line.optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  modules: z.array(z.string().regex(NAME)).max(MAX_MODULES),
  blacklist: z.array(line).max(MAX_MODULES).optional(),
});

/**
 * Reads which modules a host had loaded: the output of lsmod(8), `/proc/modules` (proc_modules(5)), or JSON
 * `{host, release?, buildId?, at?, modules, blacklist?}`. The first two may be followed by lines of modprobe.d(5); their
 * host is the file's name and their time `written`. Nothing is guessed: a line that is none of these refuses the whole
 * list. Errors: host-list-unreadable, with the line.
 */
export function parseHostList(text: string, file: string, written: Date, now: Date): HostList {
  const list = text.trimStart().startsWith('{') ? fromJson(text, file, written) : fromText(text, file, written);
  if (list.at.getTime() > now.getTime() + MAX_AHEAD_MS) throw unreadable('it is of a time that has not come', file);
  return list;
}

function fromJson(text: string, file: string, written: Date): HostList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable('it is no JSON', file, error);
  }
  const { success, data, error } = json.safeParse(value);
  if (!success) {
    const issue = error.issues[0];
    throw unreadable(`its JSON is not a list of a host: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, file);
  }
  const { host, release = null, buildId = null, at, modules, blacklist = [] } = data;
  const rules = blacklist.map((one) => ruleOf(NAME.test(one) ? `blacklist ${one}` : one));
  if (rules.includes(null)) throw unreadable('its "blacklist" holds what is no line of modprobe.d', file);
  const time = at === undefined ? written : new Date(at);
  return { host, release, buildId, at: time, modules: new Set(modules.map(moduleName)), ...rulesOf(rules) };
}

/** `Module  Size  Used by`, which busybox follows by the taint of the kernel. */
const LSMOD_HEAD = /^Module +Size +Used by\b/;
const LSMOD = /^([\w-]{1,64})\s+\d+\s+-?\d+(?:\s+(\S+))?(?:\s+(?:Live|Loading|Unloading)\b.*)?$/;
const PROC = /^([\w-]{1,64}) \d+ (?:-|\d+) (\S+) (?:Live|Loading|Unloading) 0x[0-9a-f]+(?: \([A-Z+-]+\))?$/;

function fromText(text: string, file: string, written: Date): HostList {
  const host = basename(file).replace(/\.(?:txt|lsmod|modules|list)$/, '');
  if (!HOST.test(host)) throw unreadable('its name is not that of a host', file);
  // What a cut leaves out would read as "not loaded".
  if (!text.endsWith('\n')) throw unreadable('it was cut off: its last line does not end', file);
  const lines = text.split(/\r?\n/).map((one, index) => ({ one, at: `${file}:${index + 1}` }));
  while (lines.at(-1)?.one === '') lines.pop();
  const isLsmod = LSMOD_HEAD.test(lines[0]?.one ?? '');
  const [modules, users, rules] = [new Set<string>(), new Set<string>(), [] as (Rule | null)[]];
  for (const { one, at } of isLsmod ? lines.slice(1) : lines) {
    const match = (isLsmod ? LSMOD : PROC).exec(one);
    const rule = match ? null : ruleOf(one);
    if (rule) rules.push(rule);
    else if (match) {
      modules.add(moduleName(match[1]!));
      for (const user of usersOf(match[2] ?? '-', at)) users.add(user);
    } else throw unreadable('this is no line of lsmod, /proc/modules or modprobe.d', at);
  }
  if (!isLsmod && modules.size === 0) throw unreadable('it names no module', file);
  if (modules.size > MAX_MODULES) throw unreadable(`it names more than ${MAX_MODULES} modules`, file);
  const lost = [...users].find((user) => !modules.has(user));
  if (lost !== undefined) throw unreadable(`it was cut off: ${lost} uses a module and is not listed`, file);
  return { host, release: null, buildId: null, at: written, modules, ...rulesOf(rules) };
}

/** Modules that use this one; `[permanent]` is none. */
function usersOf(text: string, at: string): string[] {
  if (text === '-') return [];
  const names = text.split(',').filter((name) => name !== '' && name !== '[permanent]');
  if (!names.every((name) => NAME.test(name))) throw unreadable('this names no modules', at);
  return names.map(moduleName);
}

interface Rule {
  readonly kind: 'blocked' | 'blacklisted' | 'other';
  readonly name: string;
}

/** Reads a line of modprobe.d(5); null where it is none. `install` blocks with a program that does nothing. */
function ruleOf(text: string): Rule | null {
  const [word, name, ...rest] = text.trim().split(/\s+/);
  if (word === '' || word?.startsWith('#')) return { kind: 'other', name: '' };
  if (name === undefined || !NAME.test(name)) return null;
  if (word === 'blacklist' && rest.length === 0) return { kind: 'blacklisted', name: moduleName(name) };
  if (word === 'install') {
    const isBlock = /^(?:\/usr)?\/bin\/(?:true|false)$/.test(rest.join(' '));
    return { kind: isBlock ? 'blocked' : 'other', name: moduleName(name) };
  }
  return ['options', 'softdep', 'alias', 'remove', 'weakdep'].includes(word ?? '') ? { kind: 'other', name } : null;
}

function rulesOf(rules: readonly (Rule | null)[]): Pick<HostModules, 'blocked' | 'blacklisted'> {
  const of = (kind: Rule['kind']): Set<string> =>
    new Set(rules.flatMap((rule) => (rule?.kind === kind ? [rule.name] : [])));
  return { blocked: of('blocked'), blacklisted: of('blacklisted') };
}

function unreadable(what: string, where: string, cause?: unknown): KernelError {
  return new KernelError('host-list-unreadable', 'input', {
    what: `the list of a host's modules cannot be read: ${what}`,
    where,
    remedy:
      'give the output of lsmod, a copy of /proc/modules, or JSON with "host" and "modules"; nothing of this was counted',
    cause,
  });
}
