import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '#host';
import { hostVex } from './openvex.ts';
import type { AgentStatus } from './status.ts';
import { cvesText, effectiveText, metricsText } from './texts.ts';

const METRICS = 'tuxtape_agent.prom';

/** Writes everything that others read, each replaced whole. Errors: disk-full, those of the file system. */
export async function writeReports(folder: string, status: AgentStatus, textfile: string | null): Promise<void> {
  await writeAtomic(join(folder, 'status.json'), `${JSON.stringify(status, null, 2)}\n`);
  await writeAtomic(join(folder, 'cves'), cvesText(status));
  await writeAtomic(join(folder, 'effective-kernel'), effectiveText(status));
  await writeVex(join(folder, 'openvex.json'), status);
  if (textfile !== null) await writeAtomic(join(textfile, METRICS), metricsText(status));
}

/** A statement stands from when it was first made: the file is left alone while it says the same. */
async function writeVex(path: string, status: AgentStatus): Promise<void> {
  const document = hostVex(status);
  if (document === null) return rm(path, { force: true });
  const before = await readFile(path, 'utf8').catch(() => '{}');
  const id = (document as { '@id': string })['@id'];
  if (before.includes(`"${id}"`)) return;
  await writeAtomic(path, `${JSON.stringify(document, null, 2)}\n`);
}
