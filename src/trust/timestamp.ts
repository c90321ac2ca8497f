import { refused } from './error.ts';
import type { MetadataFolder } from './folder.ts';
import { limits } from './limits.ts';
import { type Document, type Root, readDocument, type Timestamp } from './metadata.ts';
import type { Remote } from './remote.ts';
import { ifBelieved } from './root.ts';
import { requireSigned, type UpdateTime } from './verify.ts';

const FILE = 'timestamp.json';

/** TUF 1.0, 5.4: the timestamp of now. Errors: archive-offline, metadata-*. */
export async function updateTimestamp(
  folder: MetadataFolder,
  remote: Remote,
  time: UpdateTime,
  root: Root,
): Promise<Timestamp> {
  const trusted = await trustedTimestamp(folder, root);
  if (trusted !== undefined) time.learn(trusted);
  // 5.4.1: "Download the timestamp metadata file, up to X number of bytes."
  const bytes = await remote.requiredMetadata(FILE, limits.timestampBytes);
  const { signed: next } = signedBy(root, bytes);
  if (trusted !== undefined) {
    requireNewer(trusted, next);
    // 5.4.3.1: "In case they are equal, discard the new timestamp metadata […]. This is normal."
    if (next.version === trusted.version) {
      // 5.4.4, of the one that stays: held back for long enough, it is no news any more.
      time.requireFresh(trusted, FILE);
      return trusted;
    }
  }
  // 5.4.4: "The expiration timestamp in the new timestamp metadata file MUST be higher than the fixed update start time."
  time.requireFresh(next, FILE);
  time.learn(next);
  // 5.4.5: "Persist timestamp metadata."
  await folder.write('timestamp', bytes);
  return next;
}

/** What this host has seen, whether or not it has expired: the base of 5.4.3. Not, when today's keys have not signed it. */
async function trustedTimestamp(folder: MetadataFolder, root: Root): Promise<Timestamp | undefined> {
  const bytes = await folder.read('timestamp', limits.timestampBytes);
  return bytes === undefined ? undefined : ifBelieved(() => signedBy(root, bytes).signed);
}

/** 5.4.2: "signed by a threshold of keys specified in the trusted root metadata file". */
function signedBy(root: Root, bytes: Buffer): Document<Timestamp> {
  const timestamp = readDocument('timestamp', bytes, FILE);
  requireSigned(timestamp, root.roles.timestamp, FILE);
  return timestamp;
}

function requireNewer(trusted: Timestamp, next: Timestamp): void {
  // 5.4.3.1: "The version number of the trusted timestamp metadata file, if any, MUST be less than" the new one's.
  if (next.version < trusted.version)
    throw refused(
      'metadata-rollback',
      `the timestamp has version ${next.version}, this host has seen ${trusted.version}`,
      FILE,
    );
  // 5.4.3.2: the version of the snapshot in the trusted timestamp "MUST be less than or equal to" that in the new one.
  if (next.version > trusted.version && next.snapshot.version < trusted.snapshot.version)
    throw refused(
      'metadata-rollback',
      `the timestamp lists version ${next.snapshot.version} of the snapshot, this host has seen ${trusted.snapshot.version} listed`,
      FILE,
    );
}
