import type { GateCheck, LivepatchRecipe, ModuleSignature } from '#domain';
import { modinfo } from '../elf.ts';
import { type ModuleFile, readModule } from '../module-file.ts';
import { readSignature } from '../signature/read.ts';
import { check, some } from './check.ts';
import { functionChecks, type HunkFunctions } from './function-checks.ts';
import type { KernelSymbols } from './kernel-symbols.ts';
import { relocationChecks } from './relocation-checks.ts';

const SHF_ALLOC = 2n;
const STT_FUNC = 2;
/** Code and data that a livepatch of a few functions never needs: more is for a reviewer to see. */
const LARGE_BYTES = 1 << 20;
/** Code at load that the tools bring themselves: kpatch's livepatch-patch-hook.c, the kernel's scripts/livepatch/init.c. */
const OWN_INIT = new Set(['init_module', 'patch_init', 'livepatch_mod_init']);
/** Sections that have code run, or that change the kernel, at load. */
const LOAD_EFFECT = /^\.(?:init_array|ctors|preinit_array|initcall)|^__param$|^__ksymtab/;
const KPATCH_CALLBACKS = /^\.rela\.kpatch\.callbacks\./;
const KLP_CALLBACKS = /^__klp_(?:pre|post)_(?:un)?patch_callback/;

export interface FileSubject {
  readonly module: Buffer;
  readonly moduleName: string;
  readonly recipe: LivepatchRecipe;
  readonly hunks: readonly HunkFunctions[] | null;
}

export interface FileFindings {
  readonly checks: readonly GateCheck[];
  readonly signature: ModuleSignature | null;
  /** Modules that must be loaded before it. */
  readonly depends: readonly string[];
}

/** Everything that a module's file tells before it is loaded anywhere. Errors: module-unreadable. */
export function fileChecks({ module, moduleName, recipe, hunks }: FileSubject, kernel: KernelSymbols): FileFindings {
  const info = modinfo(module, moduleName);
  const file = readModule(module, moduleName);
  const { signature, check: signed } = readSignature(module);
  return {
    checks: [
      ...infoChecks(info, moduleName, recipe),
      ...relocationChecks(file, info, kernel),
      ...functionChecks(recipe, hunks, kernel),
      loadCheck(file),
      forceCheck(file),
      helperCheck(file),
      sizeCheck(file, module),
      signed,
    ],
    signature,
    depends: (info.get('depends')?.[0] ?? '').split(',').filter(Boolean),
  };
}

function infoChecks(
  info: ReadonlyMap<string, readonly string[]>,
  moduleName: string,
  recipe: LivepatchRecipe,
): GateCheck[] {
  const one = (key: string): string => info.get(key)?.[0] ?? 'none';
  return [
    check('file', 'it is marked as a livepatch', one('livepatch') === 'Y', `livepatch=${one('livepatch')}`),
    check('file', 'it has its name', one('name') === moduleName, one('name')),
    check('file', 'it is for this kernel', one('vermagic').split(' ')[0] === recipe.kernelRelease, one('vermagic')),
  ];
}

function loadCheck({ sections, symbols }: ModuleFile): GateCheck {
  const initSections = new Set(sections.filter(({ name }) => name.startsWith('.init.text')).map(({ index }) => index));
  const functions = symbols
    .filter(({ type, section }) => type === STT_FUNC && initSections.has(section))
    .map(({ name }) => name)
    .filter((name) => !OWN_INIT.has(name) && !name.startsWith('__pfx_'));
  const effects = sections.filter(({ name, size }) => LOAD_EFFECT.test(name) && size > 0).map(({ name }) => name);
  const found = [...functions, ...effects];
  const detail = found.length > 0 ? some(found) : "only the livepatch's own start";
  return check('file', 'nothing else runs when it is loaded', found.length === 0, detail);
}

/** KPATCH_FORCE_UNSAFE: functions that are switched while tasks are in them. */
function forceCheck({ relocations }: ModuleFile): GateCheck {
  const forced = relocations.filter(({ section }) => section.name === '.rela.kpatch.force');
  const count = forced.reduce((sum, { symbols }) => sum + symbols.length, 0);
  return check('file', 'no function is forced', count === 0, count === 0 ? 'none' : `${count} functions are forced`);
}

/** What needs a person's yes: callbacks run beside the consistency model, shadow variables outlive it. */
function helperCheck({ relocations, symbols }: ModuleFile): GateCheck {
  const found = [
    ...relocations.filter(({ section }) => KPATCH_CALLBACKS.test(section.name)).map(({ section }) => section.name),
    ...symbols.map(({ name }) => name).filter((name) => KLP_CALLBACKS.test(name) || name.startsWith('klp_shadow_')),
  ];
  const name = 'it has no callbacks and no shadow variables';
  return found.length === 0
    ? check('file', name, 'passed', 'none')
    : check('file', name, 'warned', `for a reviewer: ${some(found)}`);
}

function sizeCheck({ sections }: ModuleFile, module: Buffer): GateCheck {
  const loaded = sections.filter(({ flags }) => (flags & SHF_ALLOC) !== 0n).reduce((sum, { size }) => sum + size, 0);
  const detail = `${module.length} bytes, ${loaded} of them loaded`;
  return check('file', 'it is small', loaded <= LARGE_BYTES ? 'passed' : 'warned', detail);
}
