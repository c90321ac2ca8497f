import { join } from 'node:path';
import {
  type BuildId,
  buildIdOfNotes,
  type GateCheck,
  type GateRecord,
  type LivepatchRecipe,
  type PatchedFunction,
} from '#domain';
import { type Clock, sha256 } from '#host';
import { type KernelReport, parseKernelLog } from '#klog';
import { modinfo } from './elf.ts';
import { initramfs } from './vm/initramfs.ts';
import { type Machine, startMachine } from './vm/machine.ts';

const TRANSITION_TIMEOUT_S = 60;
const MAX_LOG = 256 << 10;

export interface VerifyOptions {
  /** `out/` of the kernel the livepatch is for. */
  readonly kernelOut: string;
  readonly module: Buffer;
  readonly moduleName: string;
  readonly recipe: LivepatchRecipe;
  readonly clock: Clock;
  readonly onStep: (what: string) => void;
}

/**
 * Proves a livepatch on the very kernel it is for, in a virtual machine: loads it with its target modules present, waits
 * for the transition, checks every object and function, takes it off, loads it again, and reads the kernel log throughout
 * (Documentation/livepatch/livepatch.rst, ABI/testing/sysfs-kernel-livepatch). A failed check is a record that did not
 * pass; only a machine that cannot be had is an error.
 */
export async function verifyLivepatch(options: VerifyOptions): Promise<GateRecord> {
  const { recipe, clock } = options;
  const startedAt = clock.now().toISOString();
  const started = clock.monotonicMs();
  const checks: GateCheck[] = [...staticChecks(options)];
  let kernelLog = '';
  let machine: Machine | undefined;
  let accelerator = 'none';
  if (checks.every(({ passed }) => passed)) {
    machine = await bootWithModule(options);
    accelerator = machine.accelerator;
    try {
      checks.push(...(await liveChecks(machine, options)));
    } finally {
      kernelLog = await machine.console();
      await machine.stop();
    }
    checks.push(...logChecks(kernelLog));
  }
  return {
    version: 1,
    moduleName: options.moduleName,
    moduleSha256: sha256(options.module),
    patchSha256: recipe.patchSha256,
    buildId: recipe.buildId,
    kernelRelease: recipe.kernelRelease,
    engine: recipe.engine,
    startedAt,
    seconds: Math.round((clock.monotonicMs() - started) / 100) / 10,
    machine: `qemu-system-x86_64 (${accelerator})`,
    checks,
    passed: checks.length > 0 && checks.every(({ passed }) => passed),
    kernelLog: kernelLog.slice(-MAX_LOG),
  };
}

function check(name: string, passed: boolean, detail: string): GateCheck {
  return { name, passed, detail };
}

function staticChecks({ module, moduleName, recipe }: VerifyOptions): GateCheck[] {
  const info = modinfo(module, moduleName);
  const magic = info.get('vermagic')?.[0] ?? '';
  return [
    check(
      'marked as livepatch',
      info.get('livepatch')?.[0] === 'Y',
      `modinfo livepatch=${info.get('livepatch')?.[0] ?? 'none'}`,
    ),
    check('module name', info.get('name')?.[0] === moduleName, info.get('name')?.[0] ?? 'none'),
    check('vermagic', magic.split(' ')[0] === recipe.kernelRelease, magic),
    check(
      'replaces functions',
      recipe.functions.length > 0,
      recipe.functions.map(({ object, name }) => `${object}:${name}`).join(', '),
    ),
  ];
}

function targetModules(functions: readonly PatchedFunction[]): string[] {
  return [...new Set(functions.map(({ object }) => object))].filter((object) => object !== 'vmlinux');
}

async function bootWithModule(options: VerifyOptions): Promise<Machine> {
  const { kernelOut, recipe, module } = options;
  options.onStep('booting the kernel');
  const files = await initramfs(join(kernelOut, 'modules'), recipe.kernelRelease, targetModules(recipe.functions), [
    { path: 'livepatch.ko', content: module },
  ]);
  return startMachine({ kernelImage: join(kernelOut, 'bzImage'), initramfs: files });
}

/** Waits until no transition runs any more, in the machine; prints what blocks it when it does not end. */
function waitScript(name: string): string {
  const dir = `/sys/kernel/livepatch/${name}`;
  return `i=0
while [ "$(cat ${dir}/transition 2>/dev/null || echo 0)" = 1 ]; do
  i=$((i+1))
  if [ $i -gt ${TRANSITION_TIMEOUT_S * 5} ]; then
    want=$(cat ${dir}/enabled)
    for t in /proc/[0-9]*/task/[0-9]*; do
      [ "$(cat $t/patch_state 2>/dev/null)" = "$want" ] || { echo "blocked by: $t $(cat $t/comm)"; cat $t/stack; }
    done
    exit 1
  fi
  sleep 0.2
done
echo "transition done"`;
}

async function liveChecks(machine: Machine, options: VerifyOptions): Promise<GateCheck[]> {
  const { moduleName: name, recipe, onStep } = options;
  const dir = `/sys/kernel/livepatch/${name}`;
  const wait = (TRANSITION_TIMEOUT_S + 60) * 1000;
  const checks: GateCheck[] = [];
  const step = async (
    what: string,
    command: string,
    judge: (output: string, exitCode: number) => boolean,
  ): Promise<boolean> => {
    onStep(what);
    const { exitCode, output } = await machine.run(command, wait);
    checks.push(check(what, judge(output, exitCode), output.trim().slice(0, 2_000) || `exit code ${exitCode}`));
    return checks.at(-1)!.passed;
  };
  const succeeds = (_output: string, exitCode: number): boolean => exitCode === 0;

  if (
    !(await step('boots the exact kernel', 'base64 -w 0 /sys/kernel/notes', (output) =>
      isBuild(output, recipe.buildId),
    ))
  )
    return checks;
  checks[checks.length - 1] = check('boots the exact kernel', true, `build-id ${recipe.buildId}`);
  if (
    !(await step(
      'target modules load',
      'while read -r m; do insmod /modules/$m || exit 1; done </modules/order',
      succeeds,
    ))
  )
    return checks;
  if (!(await step('livepatch loads', 'insmod /livepatch.ko', succeeds))) return checks;
  if (!(await step('transition completes', waitScript(name), succeeds))) {
    // Never forced: taken back, and said so.
    await step('stalled transition is reversed', `echo 0 >${dir}/enabled; ${waitScript(name)}`, succeeds);
    return checks;
  }
  await step('is enabled', `cat ${dir}/enabled`, (output) => output.trim() === '1');
  await step(
    'every object is patched',
    `for o in ${dir}/*/; do echo "$(basename $o) $(cat $o/patched 2>/dev/null)"; done`,
    (output) => objectsPatched(output, recipe.functions),
  );
  await step('every function is redirected', `ls -d ${dir}/*/*,*`, (output) =>
    functionsRedirected(output, recipe.functions),
  );
  await step('replaces earlier livepatches', `cat ${dir}/replace 2>/dev/null || echo unknown`, (output) =>
    ['1', 'unknown'].includes(output.trim()),
  );
  await step('comes off', `echo 0 >${dir}/enabled && ${waitScript(name)}`, succeeds);
  await step(
    'unloads',
    `i=0; until rmmod ${name}; do i=$((i+1)); [ $i -gt 20 ] && exit 1; sleep 0.5; done; [ ! -e ${dir} ]`,
    succeeds,
  );
  await step('loads again', `insmod /livepatch.ko && ${waitScript(name)} && cat ${dir}/enabled`, (output) =>
    output.trim().endsWith('1'),
  );
  await step('comes off again', `echo 0 >${dir}/enabled && ${waitScript(name)}`, succeeds);
  return checks;
}

function isBuild(base64: string, buildId: BuildId): boolean {
  return buildIdOfNotes(Buffer.from(base64.trim(), 'base64')) === buildId;
}

/** Lines `vmlinux 1`. Every object of the recipe must be there, and every one there must be patched. */
function objectsPatched(output: string, functions: readonly PatchedFunction[]): boolean {
  const state = new Map(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const expected = new Set(functions.map(({ object }) => object));
  return (
    [...expected].every((object) => state.get(object) === '1') &&
    [...state.values()].every((patched) => patched === '1')
  );
}

/** Paths `…/<object>/<function>,<sympos>`. */
function functionsRedirected(output: string, functions: readonly PatchedFunction[]): boolean {
  const found = new Set(
    output
      .trim()
      .split('\n')
      .map((path) => path.split('/').slice(-2).join('/').replace(/,\d+$/, '')),
  );
  return functions.every(({ object, name }) => found.has(`${object}/${name}`));
}

/** The kernel log of the whole run: no report, and every transition told as complete. */
function logChecks(log: string): GateCheck[] {
  const { reports, livepatch } = parseKernelLog(log, 'console');
  const failed = livepatch.filter(({ step }) => step === 'failed' || step === 'forced');
  return [
    check(
      'kernel log has no report',
      reports.length === 0,
      reports.length === 0
        ? 'no oops, BUG, WARNING, lockup or stall'
        : reports.map((report: KernelReport) => report.title).join('; '),
    ),
    check(
      'kernel log tells no failed livepatch',
      failed.length === 0,
      failed.map(({ text }) => text).join('; ') || `${livepatch.length} livepatch messages, none of a failure`,
    ),
  ];
}
