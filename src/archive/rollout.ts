import { type BuildId, parseRolloutFile, type RolloutFile, renderRolloutFile, rolloutPath } from '#domain';
import { adopt } from './adopt.ts';
import { commit, nextOf, onlineSigners, requireClock, writeTargets } from './commit.ts';
import { ArchiveError } from './error.ts';
import { seal } from './metadata.ts';
import { type ArchivePlace, Keyring, locked } from './place.ts';
import { authorityOf, readRole, readState, readTarget } from './state.ts';

/** What the online key says of a kernel; undefined: nothing yet. */
export async function readRollout(directory: string, buildId: BuildId): Promise<RolloutFile | undefined> {
  const content = await readTarget(await readState(directory), rolloutPath(buildId), 'rollout');
  return content === undefined ? undefined : parseRolloutFile(content.toString('utf8'));
}

/**
 * Says, with the online key, which release hosts of a kernel go to, how fast, or that they stop. The serial has to rise.
 * Errors: terms-invalid, key-missing, key-mismatch.
 */
export async function setRollout(place: ArchivePlace, file: RolloutFile): Promise<void> {
  if (parseRolloutFile(renderRolloutFile(file)) === undefined)
    throw new ArchiveError('terms-invalid', 'input', {
      what: 'this is no rollout file that hosts read',
      where: file.buildId,
    });
  await locked(place, async () => {
    const { state } = await adopt(await readState(place.directory));
    const path = rolloutPath(file.buildId);
    const last = await readTarget(state, path, 'rollout');
    const serial = last === undefined ? 0 : (parseRolloutFile(last.toString('utf8'))?.serial ?? 0);
    if (file.serial <= serial)
      throw new ArchiveError('terms-invalid', 'input', {
        what: `the serial has to rise, and ${file.serial} is not above ${serial}`,
        where: file.buildId,
        remedy: 'a restored backup is behind what hosts saw: go on from the serial of the archive',
      });
    const keyring = await Keyring.of(place);
    const now = place.clock.now();
    requireClock(state, now);
    const signers = await keyring.need('rollout', authorityOf(state, 'rollout'));
    const online = await onlineSigners(state, keyring);
    const { signed } = await readRole(state, 'rollout');
    const entries = await writeTargets(place.directory, [{ path, content: Buffer.from(renderRolloutFile(file)) }]);
    const next = { ...nextOf(signed, now, 'rollout'), targets: { ...signed.targets, ...Object.fromEntries(entries) } };
    await commit(state, new Map([['rollout', await seal(next, signers)]]), online, now);
  });
}
