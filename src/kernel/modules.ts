import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type LoadableModule, type ModuleFacts, moduleName } from '#domain';
import { exists, readLimited } from '#host';
import { KernelError } from './error.ts';

/** Distributions' modules.alias have 1 to 2 MB. */
const MAX_FILE_BYTES = 32 << 20;
/** Aliases kept of each kind: a driver may have thousands of devices. */
const ALIASES_KEPT = 4;
const MODULE_NAME = /^[\w-]{1,64}$/;
const ALIAS = /^[!-~]{1,1024}$/;

/**
 * Kinds of aliases that stand for a device (the tables of scripts/mod/file2alias.c, and `dmi`, `acpi`): the kernel asks
 * for them when it sees one. Every other alias is taken for one that a program can make the kernel ask for.
 */
const HARDWARE =
  /^(?:pci|pci_epf|usb|usb-typec|hid|hid-generic|acpi[*\w]*|of|dmi|platform|i2c|i3c|spi|virtio|vmbus|xen|xen-backend|scsi|ssb|bcma|pcmcia|serio|input|eisa|parisc|mdio|ieee1394|hdaudio|sdw|amba|cpu|x86cpu|typec|tee|wmi|mhi|mhi_ep|auxiliary|ishtp|rapidio|ccw|ap|css|mei|ipack|sdio|pnp|isapnp|isa|ulpi|fsl-mc|tbsvc|rpmsg|slim|apr|gbm|dfl|ssam|cdx|coreboot|zorro|gameport|vio|vchiq|udc|nd|fcpu|mcb|spmi|memstick|mmc|mips-cdmm|firewire|snd-hda-codec|phy|pwm|mbus|host1x|greybus):/;

/**
 * Reads what modprobe knows of the modules below `root` (`out/modules`, or `/`), from the files of depmod(8). Null where
 * there is no module data. Errors: modules-unreadable: a part of it would make a module look less loadable than it is.
 */
export async function readModuleFacts(root: string, release: string): Promise<ModuleFacts | null> {
  const folder = await moduleFolder(root, release);
  if (folder === null) return null;
  const text = async (name: string): Promise<string> =>
    (await readLimited(join(folder, name), MAX_FILE_BYTES)).toString('utf8');
  const optional = async (name: string): Promise<string> => ((await exists(join(folder, name))) ? text(name) : '');
  return parseModuleFacts(
    {
      dep: await text('modules.dep'),
      alias: await text('modules.alias'),
      softdep: await optional('modules.softdep'),
      builtin: await optional('modules.builtin'),
    },
    release,
    folder,
  );
}

async function moduleFolder(root: string, release: string): Promise<string | null> {
  if (!/^[\w.+~-]{1,128}$/.test(release)) return null;
  for (const lib of ['lib/modules', 'usr/lib/modules']) {
    const folder = join(root, lib, release);
    if (!(await exists(folder))) continue;
    const names = new Set(await readdir(folder));
    if (names.has('modules.dep') && names.has('modules.alias')) return folder;
  }
  return null;
}

/** The texts of depmod's files. */
export interface ModuleTexts {
  readonly dep: string;
  readonly alias: string;
  readonly softdep: string;
  readonly builtin: string;
}

interface Draft {
  readonly onDemand: string[];
  readonly hardware: string[];
  readonly needs: readonly string[];
  readonly wants: Set<string>;
}

/** Errors: modules-unreadable, with the file and line. */
export function parseModuleFacts(texts: ModuleTexts, release: string, where: string): ModuleFacts {
  const modules = new Map<string, Draft>();
  for (const [line, at] of linesOf(texts.dep, 'modules.dep', where)) {
    const [own, needed] = line.split(/:(?:\s|$)/, 2);
    const needs = (needed ?? '').split(/\s+/).filter(Boolean);
    modules.set(nameOfFile(own!, at), {
      onDemand: [],
      hardware: [],
      needs: needs.map((path) => nameOfFile(path, at)),
      wants: new Set(),
    });
  }
  const byAlias = readAliases(texts.alias, modules, where);
  readSoftDependencies(texts.softdep, modules, byAlias, where);
  const builtIn = [...linesOf(texts.builtin, 'modules.builtin', where)].map(([path, at]) => nameOfFile(path, at));
  return {
    release,
    modules: new Map([...modules].map(([name, draft]) => [name, fromDraft(draft)])),
    builtIn: new Set(builtIn),
  };
}

function fromDraft({ wants, ...draft }: Draft): LoadableModule {
  return { ...draft, wants: [...wants] };
}

/** `alias PATTERN MODULE` (modprobe.d(5)). Returns alias → modules. */
function readAliases(text: string, modules: ReadonlyMap<string, Draft>, where: string): Map<string, string[]> {
  const byAlias = new Map<string, string[]>();
  for (const [line, at] of linesOf(text, 'modules.alias', where)) {
    const [word, alias, module, ...rest] = line.split(/\s+/);
    if (word !== 'alias' || rest.length > 0 || !ALIAS.test(alias ?? '') || !MODULE_NAME.test(module ?? ''))
      throw unreadable('no line of the form "alias PATTERN MODULE"', at);
    const draft = modules.get(moduleName(module!));
    if (draft === undefined) continue;
    const kept = HARDWARE.test(alias!) ? draft.hardware : draft.onDemand;
    if (kept.length < ALIASES_KEPT) kept.push(alias!);
    const known = byAlias.get(moduleName(alias!));
    if (known) known.push(moduleName(module!));
    else byAlias.set(moduleName(alias!), [moduleName(module!)]);
  }
  return byAlias;
}

/** `softdep MODULE pre: … post: …`: loaded with it where they are there, by name or alias (modprobe.d(5)). */
function readSoftDependencies(
  text: string,
  modules: ReadonlyMap<string, Draft>,
  byAlias: ReadonlyMap<string, readonly string[]>,
  where: string,
): void {
  for (const [line, at] of linesOf(text, 'modules.softdep', where)) {
    const [word, module, ...names] = line.split(/\s+/);
    if (word !== 'softdep' || !MODULE_NAME.test(module ?? ''))
      throw unreadable('no line of the form "softdep MODULE pre: … post: …"', at);
    const wants = modules.get(moduleName(module!))?.wants;
    for (const name of names.map(moduleName)) {
      if (modules.has(name)) wants?.add(name);
      for (const one of byAlias.get(name) ?? []) wants?.add(one);
    }
  }
}

function nameOfFile(path: string, where: string): string {
  const name = basename(path).replace(/\.ko(?:\.(?:gz|xz|zst))?$/, '');
  if (name === basename(path) || !MODULE_NAME.test(name)) throw unreadable('no path of a module', where);
  return moduleName(name);
}

function* linesOf(text: string, file: string, where: string): Generator<[string, string]> {
  for (const [index, line] of text.split('\n').entries())
    if (line.trim() !== '' && !line.startsWith('#')) yield [line.trim(), `${where}/${file}:${index + 1}`];
}

function unreadable(what: string, where: string): KernelError {
  return new KernelError('modules-unreadable', 'kernel-source', {
    what: `the module data of this kernel cannot be read: ${what}`,
    where,
    remedy: 'run depmod for this kernel again; until then nothing is said of what can be loaded',
  });
}
