import { resolve } from 'node:path';
import type { Command } from 'commander';
import { moduleName, wayIn } from '#domain';
import { systemClock } from '#host';
import {
  type AddedHosts,
  addHosts,
  ensureModules,
  moduleFactsOf,
  modulesRemedy,
  takeModules,
  triageKernel,
} from '#pipeline';
import { hostModulesOf, type KernelRow, needKernel, removeHostModules, type Store, StoreError } from '#store';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { ago, inert, table } from '../text.ts';

interface HostsFlags {
  readonly add?: readonly string[];
  readonly remove?: string;
  readonly module?: string;
  readonly modules?: string;
}

/** `kernel hosts`: which modules the hosts of a kernel have loaded. */
export function registerKernelHosts(kernel: Command, context: Context): void {
  kernel
    .command('hosts')
    .description('the hosts of a kernel and the modules they have loaded')
    .argument('<name>', 'name, id or build-id')
    .option('--add <file...>', 'lists: lsmod, /proc/modules, JSON, or folders of them; a file is named after its host')
    .option('--remove <host>', 'forget a host that does not run this kernel any more')
    .option('--module <module>', 'one module: who has it loaded, and what can have it loaded')
    .option('--modules <dir>', 'read what can be loaded from lib/modules below this folder; a build here did so itself')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape kernel hosts web --add lists/\n  tuxtape kernel hosts web --module ksmbd\n  tuxtape kernel hosts web --modules /srv/web-modules\n  tuxtape kernel hosts web --remove web-17',
    )
    .action((name: string, flags: HostsFlags, command: Command) => {
      const given = [flags.add, flags.remove, flags.module, flags.modules].filter((flag) => flag !== undefined);
      if (given.length > 1) command.error('error: give one of --add, --remove, --module and --modules');
      return run(context, name, flags);
    });
}

async function run(context: Context, name: string, flags: HostsFlags): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, name);
  const seconds = (await context.config()).number('fleet.list-age');
  if (flags.add !== undefined) await add(context, store, kernel, flags.add, seconds);
  else if (flags.remove !== undefined) await remove(context, store, kernel, flags.remove, seconds);
  else if (flags.module !== undefined) await showModule(context, store, kernel, moduleName(flags.module), seconds);
  else if (flags.modules !== undefined) await takeFrom(context, store, kernel, resolve(flags.modules), seconds);
  else await list(context, store, kernel, seconds);
}

async function takeFrom(
  context: Context,
  store: Store,
  kernel: KernelRow,
  root: string,
  hostListSeconds: number,
): Promise<void> {
  const { modules, builtIn } = await takeModules(store.db, kernel, root);
  await triageKernel({ store, kernel, clock: systemClock, hostListSeconds });
  const counts = { modules: modules.size, builtIn: builtIn.size };
  context.print({ kernel: kernel.name, ...counts }, () => `${counts.modules} modules, ${counts.builtIn} in vmlinux`);
}

async function add(
  context: Context,
  store: Store,
  kernel: KernelRow,
  paths: readonly string[],
  hostListSeconds: number,
): Promise<void> {
  await ensureModules(store.db, kernel);
  const result = await addHosts({ store, kernel, paths, clock: systemClock });
  if (result.added.length > 0) await triageKernel({ store, kernel, clock: systemClock, hostListSeconds });
  if (result.refused.length > 0) process.exitCode = exitCodes.input;
  context.print({ kernel: kernel.name, ...result }, () => addedText(result));
}

function addedText({ added, kept, refused }: AddedHosts): string {
  return [
    `${added.length} hosts stored${kept.length > 0 ? `, ${kept.length} left as they are: a newer list was there` : ''}`,
    ...refused.map(({ code, why }) => `REFUSED: ${inert(why)} [${code}]`),
  ].join('\n');
}

async function remove(
  context: Context,
  store: Store,
  kernel: KernelRow,
  host: string,
  hostListSeconds: number,
): Promise<void> {
  if (!(await removeHostModules(store.db, kernel.id, host)))
    throw new StoreError('not-found', 'input', {
      what: 'this kernel has no such host',
      where: host,
      remedy: `"tuxtape kernel hosts ${kernel.name}" lists them`,
    });
  await triageKernel({ store, kernel, clock: systemClock, hostListSeconds });
  context.print({ kernel: kernel.name, removed: host }, () => `${host} is not counted any more`);
}

async function list(context: Context, store: Store, kernel: KernelRow, seconds: number): Promise<void> {
  const now = Date.now();
  const facts = await moduleFactsOf(store.db, kernel);
  const hosts = (await hostModulesOf(store.db, kernel.id)).map(({ host, at, modules }) => {
    return { host, at, fresh: isFresh(at, now, seconds), modules: modules.size };
  });
  const known =
    facts === null
      ? `no module data: what can be loaded is not known\n${inert(modulesRemedy(kernel))}`
      : `${facts.modules.size} modules`;
  context.print({ kernel: kernel.name, modules: facts?.modules.size ?? null, hosts }, () =>
    [
      `kernel ${kernel.name}: ${known}`,
      hosts.length === 0
        ? 'No host has reported: add lists with "tuxtape kernel hosts NAME --add FILE…".'
        : table(
            ['HOST', 'MODULES', 'WHEN'],
            hosts.map(({ host, at, fresh, modules }) => [
              host,
              modules,
              `${ago(at, now)}${fresh ? '' : ': too old, counts as unknown'}`,
            ]),
          ),
    ].join('\n'),
  );
}

function isFresh(at: Date, now: number, seconds: number): boolean {
  return now - at.getTime() <= seconds * 1000;
}

async function showModule(
  context: Context,
  store: Store,
  kernel: KernelRow,
  module: string,
  seconds: number,
): Promise<void> {
  const facts = await moduleFactsOf(store.db, kernel);
  const lists = (await hostModulesOf(store.db, kernel.id)).filter(({ at }) => isFresh(at, Date.now(), seconds));
  const loaded = lists.filter(({ modules }) => modules.has(module)).map(({ host }) => host);
  const way = facts && wayIn(facts, module);
  const state = facts === null ? 'unknown' : way ? 'module' : facts.builtIn.has(module) ? 'built-in' : 'not-built';
  const words = {
    unknown: 'not known: this kernel has no module data',
    module: `a module, loaded ${way?.kind ?? ''}${way && way.via.length > 0 ? `: ${way.via.join(', ')}` : ''}`,
    'built-in': 'part of vmlinux',
    'not-built': 'not built',
  };
  context.print({ kernel: kernel.name, module, state, way, loaded, reported: lists.length }, () =>
    [
      `${inert(module)}: ${words[state]}`,
      `loaded on ${loaded.length} of ${lists.length} hosts that reported${loaded.length > 0 ? `: ${loaded.join(', ')}` : ''}`,
    ].join('\n'),
  );
}
