import { join } from 'node:path';
import type { BuildId } from '#domain';
import { initramfs, type PayloadFile } from '../vm/initramfs.ts';
import { type Machine, startMachine } from '../vm/machine.ts';
import { check } from './check.ts';
import { judge, workloadLines } from './judge.ts';
import { reportKeys } from './log-checks.ts';
import { type BootFindings, Session } from './session.ts';
import type { ProofPlace } from './subject.ts';

const LOOK_TIMEOUT_MS = 120_000;

export interface BootNeeds {
  readonly release: string;
  readonly buildId: BuildId;
  /** Modules of the kernel to have in the machine, with all they need. */
  readonly modules: readonly string[];
  readonly files: readonly PayloadFile[];
}

/** A session of machines with the very kernel, and all that is to be proved in them. Errors: vm-program-missing. */
export async function bootSession(place: ProofPlace, needs: BootNeeds): Promise<Session> {
  const { kernelOut, append, clock } = place;
  const files = await initramfs(join(kernelOut, 'modules'), needs.release, needs.modules, needs.files);
  const kernelImage = join(kernelOut, 'bzImage');
  return new Session({
    clock,
    // Times in the log say which report came after the load.
    boot: () => startMachine({ kernelImage, initramfs: files, append: `printk.time=1 ${append ?? ''}` }),
    look: (machine) => look(machine, needs.buildId),
  });
}

/** Is it the kernel, and what fails and is reported in it before any livepatch? */
async function look(machine: Machine, buildId: BuildId): Promise<BootFindings> {
  const nothing: BootFindings = { checks: [], broken: new Set(), reports: new Set() };
  const notes = await machine.run('base64 -w 0 /sys/kernel/notes');
  const { outcome, detail } = judge({ by: 'build-id', buildId }, notes, nothing);
  const { output } = await machine.run('sh /workload.sh once', LOOK_TIMEOUT_MS);
  const broken = [...workloadLines(output)].filter(([, what]) => what.startsWith('FAILED')).map(([kind]) => kind);
  return {
    checks: [check('machine', 'it boots the exact kernel', outcome, detail)],
    broken: new Set(broken),
    reports: reportKeys(await machine.console()),
  };
}
