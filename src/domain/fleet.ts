/** What modprobe knows of one module of a kernel (modules.alias, modules.dep, modules.softdep; depmod.d(5), modules.dep(5)). */
export interface LoadableModule {
  /** Aliases that a program can make the kernel ask modprobe for (`net-pf-16-proto-9`, `fs-ext4`); some of them. */
  readonly onDemand: readonly string[];
  /** Aliases that the kernel asks for when it sees the device (`pci:v00008086d…`); some of them. */
  readonly hardware: readonly string[];
  /** Modules without which it cannot be loaded, by their names with `_`. */
  readonly needs: readonly string[];
  /** Modules that are loaded with it where they are there (softdep). */
  readonly wants: readonly string[];
}

/** What modprobe knows of the modules of one kernel. */
export interface ModuleFacts {
  /** `uname -r` that the files belong to. */
  readonly release: string;
  /** By name, with `_` for `-`. */
  readonly modules: ReadonlyMap<string, LoadableModule>;
  /** What could be a module and is part of vmlinux here. */
  readonly builtIn: ReadonlySet<string>;
}

/** The modules one host had loaded at a time. */
export interface HostModules {
  readonly host: string;
  readonly at: Date;
  /** By name, with `_` for `-`. */
  readonly modules: ReadonlySet<string>;
  /** `install NAME /bin/false` in its modprobe.d: modprobe loads it in no way. */
  readonly blocked: ReadonlySet<string>;
  /** `blacklist NAME`: its aliases lead nowhere; its name, and modules that need it, still do (modprobe.d(5)). */
  readonly blacklisted: ReadonlySet<string>;
}

/** What is known at a time of the hosts that run one kernel. */
export interface Fleet {
  /** Null: no module data of this kernel was read, so nothing is said of what can be loaded. */
  readonly facts: ModuleFacts | null;
  readonly reports: readonly HostModules[];
  /** Hosts whose last list is too old: they count as unknown, never as "not loaded". */
  readonly silent: number;
  /** Days after which a list is too old. */
  readonly days: number;
}

/**
 * How exposed a module is, the most exposed first. `always`: part of vmlinux; `loaded`: on a host at least; `unknown`:
 * nobody says, or some host is silent; then loaded nowhere, and: `on-demand`: a program can have it loaded; `hardware`:
 * only its device; `by-name`: only its name; `blocked`: modprobe.d keeps it out on every host.
 */
export const moduleExposures = ['always', 'loaded', 'unknown', 'on-demand', 'hardware', 'by-name', 'blocked'] as const;
export type ModuleExposure = (typeof moduleExposures)[number];

/** Modules are named with `-` and `_` alike; the kernel says `_` (modprobe(8)). */
export function moduleName(text: string): string {
  return text.replaceAll('-', '_');
}

/** How a module that is loaded nowhere comes to be loaded. `via`: the alias, or the module that needs it, for people. */
export interface WayIn {
  readonly kind: 'on-demand' | 'hardware' | 'by-name';
  readonly via: readonly string[];
}

/**
 * Names that the kernel asks for themselves on behalf of a program (request_module with a name made of a word of the
 * program: `tcp_%s` of net/ipv4/tcp_cong.c, `xt_%s`, `ipt_%s`, `ip6t_%s` of net/netfilter/x_tables.c, `ebt_%s` of
 * net/bridge/netfilter, `act_%s`, `cls_%s`, `sch_%s` of net/sched, `nf_conntrack_%s`, `nf_log_%s`, `nf_nat_%s`, `dm-%s`).
 */
const ASKED_BY_NAME =
  /^(?:tcp|xt|ipt|ip6t|arpt|ebt|iptable|ip6table|arptable|ebtable|act|cls|sch|em|nf|nft|nfnetlink|nfct|ip_set|ip_vs|dm|binfmt|nls)_/;

/** Does the kernel ask for this module by its name, when a program says a word? */
export function isAskedByName(name: string): boolean {
  return ASKED_BY_NAME.test(name);
}

/** Modules with which this one is loaded. */
export function neededBy(facts: ModuleFacts, name: string): readonly string[] {
  return usersOf(facts).get(name) ?? [];
}

/** How modprobe comes to load a module; null where it knows no such module. A way of a module that needs it is its way, too. */
export function wayIn(facts: ModuleFacts, name: string): WayIn | null {
  if (!facts.modules.has(name)) return null;
  const ways = reachable(facts, name);
  const onDemand = ways.flatMap((one) => aliasesOf(facts, one, 'onDemand', name));
  if (onDemand.length > 0) return { kind: 'on-demand', via: onDemand };
  const hardware = ways.flatMap((one) => aliasesOf(facts, one, 'hardware', name));
  return hardware.length > 0 ? { kind: 'hardware', via: hardware } : { kind: 'by-name', via: [] };
}

function aliasesOf(facts: ModuleFacts, one: string, kind: 'onDemand' | 'hardware', asked: string): string[] {
  const aliases = facts.modules.get(one)?.[kind] ?? [];
  const named = kind === 'onDemand' && ASKED_BY_NAME.test(one) ? [one] : [];
  const all = aliases.length > 0 ? aliases : named;
  return one === asked ? [...all] : all.slice(0, 1).map((alias) => `${alias}, by ${one}`);
}

/** The module and every module that brings it, the nearest first. */
function reachable(facts: ModuleFacts, name: string): string[] {
  const users = usersOf(facts);
  const found = new Set([name]);
  for (const one of found) for (const user of users.get(one) ?? []) found.add(user);
  return [...found];
}

const usersByFacts = new WeakMap<ModuleFacts, Map<string, string[]>>();

/** Module → modules that need it. */
function usersOf(facts: ModuleFacts): Map<string, string[]> {
  const known = usersByFacts.get(facts);
  if (known) return known;
  const users = new Map<string, string[]>();
  for (const [name, { needs, wants }] of facts.modules) {
    for (const needed of [...needs, ...wants]) {
      const list = users.get(needed);
      if (list) list.push(name);
      else users.set(needed, [name]);
    }
  }
  usersByFacts.set(facts, users);
  return users;
}
