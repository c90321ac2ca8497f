import { type RolloutFile, renderRolloutFile } from '#domain';
import { type RolloutSigner, readRolloutText } from './signer.ts';

/**
 * Stops every rollout without a database: what is published is published again with a greater serial and nothing open. The controller
 * finds the archive ahead of its store, and takes the stop over; a person resumes. Errors: file-unreadable, file-outdated.
 */
export async function stopPublished(signer: RolloutSigner): Promise<RolloutFile[]> {
  const files = (await signer.published()).map((text) => stopped(readRolloutText(text, 'the archive')));
  for (const file of files) await signer.publish(file, renderRolloutFile(file));
  return files;
}

function stopped(file: RolloutFile): RolloutFile {
  const rollouts = file.rollouts.map((entry) => ({
    ...entry,
    state: 'halted' as const,
    rings: entry.rings.map(({ name }) => ({ name, open: [] })),
  }));
  return { ...file, serial: file.serial + 1, rollouts };
}
