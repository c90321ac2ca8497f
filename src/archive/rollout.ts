import { type BuildId, parseRolloutChoice, type RolloutChoice, rolloutPath } from '#domain';
import { adopt } from './adopt.ts';
import { commit, nextOf, onlineSigners, requireClock, writeTargets } from './commit.ts';
import { ArchiveError } from './error.ts';
import { json } from './index-file.ts';
import { seal } from './metadata.ts';
import { type ArchivePlace, Keyring, locked } from './place.ts';
import { authorityOf, readRole, readState, readTarget } from './state.ts';

/** What the online key says of a kernel; undefined: nothing yet. */
export async function readRollout(directory: string, buildId: BuildId): Promise<RolloutChoice | undefined> {
  const content = await readTarget(await readState(directory), rolloutPath(buildId), 'rollout');
  return content === undefined ? undefined : parseRolloutChoice(content.toString('utf8'));
}

/**
 * Says, with the online key, which release hosts of a kernel go to, how fast, or that they stop. The serial has to rise.
 * Errors: terms-invalid, key-missing, key-mismatch.
 */
export async function setRollout(place: ArchivePlace, choice: RolloutChoice): Promise<void> {
  if (parseRolloutChoice(JSON.stringify(choice)) === undefined)
    throw new ArchiveError('terms-invalid', 'input', {
      what: 'this is no choice that hosts read',
      where: choice.buildId,
    });
  await locked(place, async () => {
    const { state } = await adopt(await readState(place.directory));
    const path = rolloutPath(choice.buildId);
    const last = await readTarget(state, path, 'rollout');
    const serial = last === undefined ? 0 : (parseRolloutChoice(last.toString('utf8'))?.serial ?? 0);
    if (choice.serial <= serial)
      throw new ArchiveError('terms-invalid', 'input', {
        what: `the serial has to rise, and ${choice.serial} is not above ${serial}`,
        where: choice.buildId,
        remedy: 'a restored backup is behind what hosts saw: go on from the serial of the archive',
      });
    const keyring = await Keyring.of(place);
    const now = place.clock.now();
    requireClock(state, now);
    const signers = await keyring.need('rollout', authorityOf(state, 'rollout'));
    const online = await onlineSigners(state, keyring);
    const { signed } = await readRole(state, 'rollout');
    const entries = await writeTargets(place.directory, [{ path, content: json(choice) }]);
    const next = { ...nextOf(signed, now, 'rollout'), targets: { ...signed.targets, ...Object.fromEntries(entries) } };
    await commit(state, new Map([['rollout', await seal(next, signers)]]), online, now);
  });
}
