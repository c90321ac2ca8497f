import { hasCode } from '#domain';
import { refused, TrustError } from './error.ts';
import type { MetadataFolder } from './folder.ts';
import { limits } from './limits.ts';
import { type Document, type Root, readDocument } from './metadata.ts';
import type { Remote } from './remote.ts';
import { isRotated, requireSigned, type UpdateTime } from './verify.ts';

const FILE = 'root.json';

/** A root that is signed as it asks itself. Errors: metadata-invalid, metadata-unsigned. */
function readRoot(bytes: Buffer, file: string): Document<Root> {
  const root = readDocument('root', bytes, file);
  requireSigned(root, root.signed.roles.root, file);
  return root;
}

/**
 * Sets up trust: `given` came with the host, by a way that is trusted already (TUF 1.0, 5.2). A root that was reached from it
 * stays, or is put back when its file was damaged; one of another archive is replaced, with all that it led to. Errors:
 * root-invalid, those of the folder.
 */
export async function establishRoot(folder: MetadataFolder, given: Buffer): Promise<void> {
  const root = trusted(() => readRoot(given, FILE));
  await folder.prepare();
  const current = await storedRoot(folder);
  const damaged = current === undefined;
  const stored = current ?? (await newestPastRoot(folder));
  if (stored !== undefined) {
    const { version } = root.signed;
    if (version > stored.signed.version) {
      if (rotates(stored.signed, root.signed)) await folder.remove('timestamp', 'snapshot');
    } else {
      const past = version === stored.signed.version ? stored : await pastRoot(folder, version);
      if (past === undefined || Buffer.from(past.payload).equals(root.payload)) {
        if (damaged) await folder.write('root', stored.bytes);
        return;
      }
      await folder.removeAll();
    }
  }
  await folder.writeRoot(root.signed.version, given);
}

async function pastRoot(folder: MetadataFolder, version: number): Promise<Document<Root> | undefined> {
  const bytes = await folder.readPastRoot(version, limits.rootBytes);
  return bytes === undefined ? undefined : ifBelieved(() => readRoot(bytes, FILE));
}

async function newestPastRoot(folder: MetadataFolder): Promise<Document<Root> | undefined> {
  for (const version of await folder.pastRoots()) {
    const root = await pastRoot(folder, version);
    if (root !== undefined) return root;
  }
  return undefined;
}

async function storedRoot(folder: MetadataFolder): Promise<Document<Root> | undefined> {
  const bytes = await folder.read('root', limits.rootBytes);
  return bytes === undefined ? undefined : ifBelieved(() => readRoot(bytes, folder.file('root')));
}

/** What `read` gives, or undefined when it refuses: a file of ours that is damaged or outdated is as good as none. */
export function ifBelieved<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const refusals = ['metadata-invalid', 'metadata-unsigned', 'metadata-expired', 'metadata-rollback'] as const;
    if (hasCode(error, ...refusals)) return undefined;
    throw error;
  }
}

function trusted<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TrustError('root-invalid', 'input', {
      what: `the root of trust cannot be used: ${cause instanceof Error ? cause.message : 'unreadable'}`,
      where: FILE,
      remedy: 'set the host up again with the root.json of the archive',
      cause,
    });
  }
}

/** TUF 1.0, 5.2: the root that is trusted already; whether it has expired does not matter yet. Errors: root-invalid. */
export async function loadRoot(folder: MetadataFolder): Promise<Document<Root>> {
  const bytes = await folder.read('root', limits.rootBytes);
  return trusted(() => {
    if (bytes === undefined) throw refused('metadata-missing', 'there is none', folder.file('root'));
    return readRoot(bytes, folder.file('root'));
  });
}

/** TUF 1.0, 5.3: from the trusted root to the newest. Errors: archive-offline, metadata-*. */
export async function updateRoot(
  folder: MetadataFolder,
  remote: Remote,
  time: UpdateTime,
  first: Document<Root>,
): Promise<Document<Root>> {
  let root = first;
  let rotated = false;
  // 5.3.3, 5.3.9: one version after the other, up to a number of them.
  for (let taken = 0; taken < limits.rootRotations; taken += 1) {
    // 5.3.2, 5.3.3: "Try downloading version N+1 of the root metadata file, up to some W number of bytes."
    const file = `${root.signed.version + 1}.root.json`;
    const bytes = await remote.metadata(file, limits.rootBytes);
    if (bytes === undefined) break;
    const next = nextRoot(root, bytes, file);
    rotated ||= rotates(root.signed, next.signed);
    // 5.3.6: an intermediate root may have expired. 5.3.7: it is the trusted one now. 5.3.8: on disk before anything else.
    root = next;
    await folder.writeRoot(root.signed.version, bytes);
  }
  // 5.3.10: "The expiration timestamp in the trusted root metadata file MUST be higher than the fixed update start time."
  time.requireFresh(root.signed, FILE);
  time.learn(root.signed);
  // 5.3.11: "If the timestamp and / or snapshot keys have been rotated, then delete the trusted timestamp and snapshot
  // metadata files", to recover from versions that a thief of the old keys drove up. Where an update ends between 5.3.8 and
  // here, what the old keys signed does not verify any more (`updateTimestamp`, `updateSnapshot`).
  if (rotated) await folder.remove('timestamp', 'snapshot');
  // 5.3.12: `consistentSnapshot` of what is returned.
  return root;
}

function nextRoot(root: Document<Root>, bytes: Buffer, file: string): Document<Root> {
  const next = readDocument('root', bytes, file);
  // 5.3.4 (1): "a THRESHOLD of keys specified in the trusted root metadata file (version N)".
  requireSigned(next, root.signed.roles.root, file);
  // 5.3.4 (2): "a THRESHOLD of keys specified in the new root metadata file being validated (version N+1)".
  requireSigned(next, next.signed.roles.root, file);
  // 5.3.5: "MUST be exactly the version in the trusted root metadata (version N) incremented by one".
  const expected = root.signed.version + 1;
  if (next.signed.version !== expected)
    throw refused('metadata-rollback', `the root has version ${next.signed.version}, where ${expected} is next`, file);
  return next;
}

function rotates(before: Root, after: Root): boolean {
  return (
    isRotated(before.roles.timestamp, after.roles.timestamp) || isRotated(before.roles.snapshot, after.roles.snapshot)
  );
}
