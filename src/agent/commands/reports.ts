import { join } from 'node:path';
import { readLimited } from '#host';
import { AgentError } from '../error.ts';
import { linuxKernel } from '../kernel/door.ts';
import { exitCodes } from '../report/exit-codes.ts';
import type { AgentStatus } from '../report/status.ts';
import { cvesText, effectiveText, statusText } from '../report/texts.ts';
import type { Arguments } from './arguments.ts';

const MAX_STATUS_BYTES = 4 << 20;

/**
 * `status`, `cves`, `effective`: what the last run wrote, as long as it still holds. A report of an earlier boot, or of a
 * livepatch that the kernel does not show any more, is not passed on as the truth of now.
 */
export async function reportCommand(
  { places, json }: Arguments,
  word: 'status' | 'cves' | 'effective',
): Promise<number> {
  const status = await readStatus(places.run);
  if (word === 'status') process.stdout.write(json ? `${JSON.stringify(status)}\n` : statusText(status));
  else if (json) process.stdout.write(`${JSON.stringify(asJson(word, status))}\n`);
  else process.stdout.write(word === 'cves' ? cvesText(status) : effectiveText(status));
  if (status.error !== null) return exitCodes[status.error.code] ?? 1;
  return 0;
}

function asJson(word: 'cves' | 'effective', { kernel, loaded, standing, at }: AgentStatus): object {
  const common = { kernel, release: loaded?.number ?? null, standing, at };
  return word === 'cves'
    ? { ...common, cves: loaded?.cves ?? [] }
    : { ...common, effective: effectiveOf(kernel.release, loaded) };
}

function effectiveOf(release: string, loaded: AgentStatus['loaded']): string {
  return loaded === null ? release : `${release}+tuxtape.${loaded.number}`;
}

async function readStatus(folder: string): Promise<AgentStatus> {
  const path = join(folder, 'status.json');
  const kernel = linuxKernel(folder);
  let status: AgentStatus;
  try {
    status = JSON.parse((await readLimited(path, MAX_STATUS_BYTES)).toString('utf8')) as AgentStatus;
  } catch (cause) {
    throw new AgentError('no-status', 'input', {
      what: 'no run of the agent has reported in this boot: how this host stands is unknown',
      where: path,
      remedy: 'run "tuxtape-agent run", or look at "systemctl status tuxtape-agent.timer"',
      cause,
    });
  }
  const { bootId, loaded } = status;
  const on = (await kernel.livepatches()).some(({ name, enabled }) => enabled && name === loaded?.moduleName);
  if (bootId === (await kernel.bootId()) && (loaded === null || on)) return status;
  const note = 'the last run reported of another state than the kernel shows now';
  return { ...status, loaded: on ? loaded : null, standing: 'unknown', note };
}
