import type { Purpose, ReleaseRef } from '../journal.ts';
import type { HostFacts } from './facts.ts';
import type { ModuleInfo } from './module-info.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** e_machine (elf.h) by Node's name of the architecture. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };
/** The kernel copies a module, relocates it and keeps its symbols; the host needs air beside that. */
const MEMORY_FACTOR = 8;
const MEMORY_LEAST = 32 << 20;

/**
 * Bits of /proc/sys/kernel/tainted after which the kernel's memory or locks are not to be relied on, so that neither a load
 * is safe nor a report can be blamed (Documentation/admin-guide/tainted-kernels.rst).
 */
const BAD_TAINTS: readonly (readonly [bit: bigint, letter: string, words: string])[] = [
  [4n, 'M', 'the processor reported a machine check'],
  [5n, 'B', 'a page of memory was found damaged'],
  [7n, 'D', 'the kernel has had an oops'],
  [14n, 'L', 'a processor was locked up'],
];

export interface Subject {
  readonly release: ReleaseRef;
  readonly module: ModuleInfo | undefined;
  readonly purpose: Purpose;
  /** Names of livepatches that are ours. */
  readonly ours: ReadonlySet<string>;
}

type Check = (facts: HostFacts, subject: Subject | null) => Refusal | null;

function refuse(code: RefusalCode, what: string, remedy: string): Refusal {
  return { code, what, remedy };
}

/** What has to hold on the host itself, whatever is loaded. */
const hostChecks: readonly Check[] = [
  ({ ownNamespaces }) =>
    ownNamespaces.length === 0
      ? null
      : refuse(
          'in-container',
          `the agent runs in a container (its own namespace: ${ownNamespaces.join(', ')})`,
          'run it on the host itself: a livepatch changes the kernel of all containers',
        ),
  ({ mayLoadModules }) =>
    mayLoadModules
      ? null
      : refuse('no-capability', 'the agent lacks CAP_SYS_MODULE', 'run it as root, by its systemd unit'),
  ({ modulesDisabled }) =>
    modulesDisabled
      ? refuse(
          'modules-disabled',
          'the kernel takes no modules any more (kernel.modules_disabled)',
          'it is off again only after a reboot',
        )
      : null,
  ({ livepatching }) =>
    livepatching ? null : refuse('livepatch-missing', 'this kernel cannot livepatch', 'build it with CONFIG_LIVEPATCH'),
  ({ ftraceEnabled }) =>
    ftraceEnabled
      ? null
      : refuse('tracing-off', 'ftrace is off (kernel.ftrace_enabled)', 'run "sysctl kernel.ftrace_enabled=1"'),
  ({ taint }, subject) => {
    // What goes over a bad livepatch is not stopped by what the bad one did.
    if (subject?.purpose === 'fallback') return null;
    const found = BAD_TAINTS.filter(([bit]) => ((taint >> bit) & 1n) === 1n);
    if (found.length === 0) return null;
    const words = found.map(([, letter, text]) => `${letter}: ${text}`).join('; ');
    return refuse('kernel-tainted', `the kernel is not sound (${words})`, 'reboot this host');
  },
];

/** What has to hold between this host and this module. */
const moduleChecks: readonly ((facts: HostFacts, subject: Subject) => Refusal | null)[] = [
  ({ buildId }, { release }) =>
    release.buildId === buildId
      ? null
      : refuse(
          'other-kernel',
          `it is for build-id ${release.buildId}, this host runs ${buildId}`,
          'nothing is to be done: releases of this kernel are loaded',
        ),
  moduleFits,
  ({ requiresSignature, lockdown }, { module }) => {
    const locked = lockdown !== undefined && lockdown !== 'none';
    if (module?.signed === true || !(requiresSignature || locked)) return null;
    const why = locked ? `lockdown is ${lockdown}` : 'module.sig_enforce is on';
    return refuse(
      'signature-missing',
      `the module is not signed, and this host takes signed modules only (${why})`,
      'sign it with a key that this kernel trusts ("tuxtape livepatch sign") and publish it again',
    );
  },
  ({ memoryAvailable }, { release }) => {
    const needed = Math.max(MEMORY_LEAST, release.length * MEMORY_FACTOR);
    if (memoryAvailable === undefined || memoryAvailable >= needed) return null;
    const mb = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
    return refuse(
      'memory-low',
      `${mb(memoryAvailable)} of memory are available, ${mb(needed)} are wanted`,
      'it is tried again at the next poll',
    );
  },
  ({ loaded, modules }, { release: { moduleName } }) =>
    modules.has(moduleName) && !loaded.some(({ name }) => name === moduleName)
      ? refuse('module-present', `a module ${moduleName} is in the kernel already`, `run "rmmod ${moduleName}"`)
      : null,
  ({ loaded }) => {
    const running = loaded.find(({ transition }) => transition);
    if (running === undefined) return null;
    return refuse('transition-running', `${running.name} is in transition`, 'it is tried again at the next poll');
  },
  ({ loaded }, { ours }) => {
    const foreign = loaded.filter(({ name, enabled }) => enabled && !ours.has(name)).map(({ name }) => name);
    if (foreign.length === 0) return null;
    return refuse(
      'foreign-livepatch',
      `a livepatch of somebody else is loaded (${foreign.join(', ')}), which this one would replace`,
      'take it off, or leave this host to whoever loaded it',
    );
  },
  probed,
];

function moduleFits({ arch, kernelRelease }: HostFacts, { release, module }: Subject): Refusal | null {
  const remedy = 'nothing was loaded; ask who builds the livepatches';
  if (module === undefined) return refuse('module-mismatch', 'it is no module file', remedy);
  if (MACHINES[arch] !== module.machine)
    return refuse('other-architecture', `it is for another processor (ELF machine ${module.machine})`, remedy);
  const name = module.fields.get('name');
  const version = module.fields.get('vermagic')?.split(' ')[0];
  const wrong = [
    ...(name === release.moduleName ? [] : [`its name is ${name ?? 'not said'}, not ${release.moduleName}`]),
    ...(version === kernelRelease ? [] : [`it is for ${version ?? 'no version'}, this host runs ${kernelRelease}`]),
    ...(module.fields.has('livepatch') ? [] : ['it is not marked as a livepatch']),
  ];
  return wrong.length === 0 ? null : refuse('module-mismatch', wrong.join('; '), remedy);
}

/** kprobes in a function that is replaced see nothing any more; who redirects it makes the kernel refuse the livepatch. */
function probed({ probes = [], replaced }: HostFacts, { release }: Subject): Refusal | null {
  const on = new Set(replaced.map(({ name }) => name));
  const wanted = new Set(release.functions.map(({ name }) => name));
  const found = probes.filter(
    (probe) => wanted.has(probe.function) && (probe.kind === 'kprobe' || (probe.redirects && !on.has(probe.function))),
  );
  if (found.length === 0) return null;
  const words = [...new Set(found.map((probe) => `${probe.kind} on ${probe.function}`))].join(', ');
  return refuse(
    'function-probed',
    `functions that it replaces are in other hands: ${words}`,
    'end the tracing (kprobes, ftrace, BPF); it is tried again at the next poll',
  );
}

/** Everything that speaks against loading it now, in the order of the table. */
export function refusalsOf(facts: HostFacts, subject: Subject): Refusal[] {
  const host = hostChecks.map((check) => check(facts, subject));
  const module = moduleChecks.map((check) => check(facts, subject));
  return [...host, ...module].filter((refusal) => refusal !== null);
}

/** What speaks against loading anything on this host. */
export function hostRefusalsOf(facts: HostFacts): Refusal[] {
  return hostChecks.map((check) => check(facts, null)).filter((refusal) => refusal !== null);
}
