import { refused } from './error.ts';
import type { MetadataFolder } from './folder.ts';
import { limits } from './limits.ts';
import { type Document, type FileMeta, type Root, readDocument, type Snapshot } from './metadata.ts';
import type { Remote } from './remote.ts';
import { ifBelieved } from './root.ts';
import { isListed, requireSigned, type UpdateTime } from './verify.ts';

/** TUF 1.0, 5.5: the snapshot that the timestamp lists. Errors: archive-offline, metadata-*. */
export async function updateSnapshot(
  folder: MetadataFolder,
  remote: Remote,
  time: UpdateTime,
  root: Root,
  listed: FileMeta,
): Promise<Snapshot> {
  const trusted = await trustedSnapshot(folder, root);
  if (trusted !== undefined) {
    time.learn(trusted.signed);
    const current = isListed(trusted.bytes, listed)
      ? ifBelieved(() => requireListed(trusted.signed, listed, time, 'snapshot.json'))
      : undefined;
    if (current !== undefined) return current;
  }
  // 5.5.1: "Download snapshot metadata file, up to either the number of bytes specified in the timestamp metadata file, or
  // some Y number of bytes", as VERSION_NUMBER.snapshot.json where consistent snapshots are used.
  const file = root.consistentSnapshot ? `${listed.version}.snapshot.json` : 'snapshot.json';
  const bytes = await remote.requiredMetadata(file, Math.min(listed.length ?? Infinity, limits.snapshotBytes));
  // 5.5.2: "The hashes of the new snapshot metadata file MUST match the hashes, if any, listed in the trusted timestamp."
  if (!isListed(bytes, listed))
    throw refused('metadata-invalid', 'the snapshot is not the file that the timestamp lists', file);
  // 5.5.3
  const { signed } = signedBy(root, bytes, file);
  // 5.5.4, 5.5.6
  requireListed(signed, listed, time, file);
  // 5.5.5
  if (trusted !== undefined) requireNoRollback(trusted.signed, signed, file);
  time.learn(signed);
  // 5.5.7: "Persist snapshot metadata."
  await folder.write('snapshot', bytes);
  return signed;
}

/** What this host has seen, expired or not: the base of 5.5.5. Not, when today's keys have not signed it. */
async function trustedSnapshot(folder: MetadataFolder, root: Root): Promise<Document<Snapshot> | undefined> {
  const bytes = await folder.read('snapshot', limits.snapshotBytes);
  return bytes === undefined ? undefined : ifBelieved(() => signedBy(root, bytes, 'snapshot.json'));
}

/** 5.5.3: "signed by a threshold of keys specified in the trusted root metadata file". */
function signedBy(root: Root, bytes: Buffer, file: string): Document<Snapshot> {
  const snapshot = readDocument('snapshot', bytes, file);
  requireSigned(snapshot, root.roles.snapshot, file);
  return snapshot;
}

/** What one on disk has to pass as well before it is the snapshot of now. */
function requireListed(signed: Snapshot, listed: FileMeta, time: UpdateTime, file: string): Snapshot {
  // 5.5.4: "The version number of the new snapshot metadata file MUST match the version number listed in the timestamp."
  if (signed.version !== listed.version)
    throw refused(
      signed.version < listed.version ? 'metadata-rollback' : 'metadata-invalid',
      `the snapshot has version ${signed.version}, the timestamp lists ${listed.version}`,
      file,
    );
  // 5.5.6: "The expiration timestamp in the new snapshot metadata file MUST be higher than the fixed update start time."
  time.requireFresh(signed, file);
  return signed;
}

/**
 * 5.5.5: the version of each targets file "in the trusted snapshot metadata file, if any, MUST be less than or equal to its
 * version number in the new snapshot metadata file", and it "MUST continue to be listed". 4.3: no file is replaced by one
 * of a lower version.
 */
function requireNoRollback(trusted: Snapshot, next: Snapshot, file: string): void {
  if (next.version < trusted.version)
    throw refused(
      'metadata-rollback',
      `the snapshot has version ${next.version}, this host has seen ${trusted.version}`,
      file,
    );
  for (const [name, { version }] of trusted.files) {
    const now = next.files.get(name)?.version;
    if (now === undefined)
      throw refused('metadata-rollback', `the snapshot does not list ${name.slice(0, 80)} any more`, file);
    if (now < version)
      throw refused(
        'metadata-rollback',
        `the snapshot lists version ${now} of ${name.slice(0, 80)}, this host has seen ${version} listed`,
        file,
      );
  }
}
