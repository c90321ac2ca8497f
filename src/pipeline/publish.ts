import { basename, join } from 'node:path';
import { type ArchivePlace, type Published, publishOrPropose, requireProof, subscribeKernel } from '#archive';
import { approvalWord, type Release, type ReleaseApproval, type ReleaseIndex } from '#domain';
import { exists, readLimited, sha256 } from '#host';
import { KernelError } from '#kernel';
import { LivepatchError } from '#livepatch';
import { addAudit, needKernel, needLivepatch, type Store } from '#store';
import { type LivepatchApprovals, livepatchApprovals } from './approvals.ts';
import { GATE_FILE } from './gate-record.ts';

const MAX_ATTESTATION_BYTES = 64 << 20;
const PROVENANCE = 'provenance.json';

export interface PublishOptions {
  readonly store: Store;
  readonly place: ArchivePlace;
  /** Id or module name. */
  readonly livepatch: string;
  /** Who publishes. */
  readonly by: string;
  /** Why it shall go out without approval; null: approvals are asked for. */
  readonly withoutApproval: string | null;
  /** Have the bins signed by the keys at hand, and publish nothing: others sign as well. */
  readonly propose?: boolean;
}

/**
 * Publishes a proved and approved livepatch as the next release of its kernel, with its signed gate record and each approval that
 * counted, and its provenance. Errors: gate-missing, gate-refused, those of `livepatchApprovals` and of the archive; approval-missing, naming what is missing.
 */
export async function publish(options: PublishOptions): Promise<Published<Release>> {
  const { store, place, by, withoutApproval, propose = false } = options;
  const { db } = store;
  const row = await needLivepatch(db, options.livepatch);
  requireProof(row.moduleName, row.gate);
  const found = await livepatchApprovals(options, row.id);
  const approval = releaseApproval(found, options);
  const { module, patch, recipe, gate, envelope } = found.record;
  const attestations = [
    { name: GATE_FILE, content: envelope },
    ...(await counting(found)),
    ...(await provenance(found)),
  ];
  const { moduleName } = row;
  if (withoutApproval !== null) {
    // Written first: nothing goes out past the reviewers without a trace.
    const at = place.clock.now();
    await addAudit(db, { at, actor: by, action: 'livepatch.without-approval', subject: row.id, detail: { approval } });
  }
  const livepatch = { module, moduleName, patch, recipe, gate, approval, attestations };
  const published = await publishOrPropose(place, livepatch, propose);
  const { buildId, number } = published.result;
  const verb = propose ? 'propose' : 'publish';
  const action = withoutApproval === null ? `livepatch.${verb}` : `livepatch.${verb}-without-approval`;
  const detail = { buildId, number, approval };
  await addAudit(db, { at: place.clock.now(), actor: by, action, subject: row.id, detail });
  return published;
}

function releaseApproval(
  { livepatch, approvals, state, edited }: LivepatchApprovals,
  { withoutApproval, by }: PublishOptions,
): ReleaseApproval {
  if (withoutApproval !== null) {
    if (withoutApproval.trim() !== '') return { without: withoutApproval.trim(), by };
    throw new LivepatchError('approval-invalid', 'input', {
      what: 'publishing without approval needs a reason',
      where: livepatch.moduleName,
    });
  }
  if (state.enough) {
    const reviewers = approvals.flatMap(({ reviewer, why }) => (why === null ? [reviewer] : []));
    return { needed: state.needed, reviewers };
  }
  const missing = edited === null ? state.missing : [edited, ...state.missing];
  throw new LivepatchError('approval-missing', 'input', {
    what: `it ${approvalWord(state)}; missing: ${missing.join('; ')}`,
    where: livepatch.moduleName,
    remedy:
      edited === null
        ? `let reviewers say yes: "tuxtape livepatch approve ${livepatch.id} --key FILE --reason TEXT"`
        : 'build and prove the newest version, and have that approved',
  });
}

/** Read once more, and be what was judged: a file may have changed in between. */
async function counting({ approvals }: LivepatchApprovals): Promise<{ name: string; content: Buffer }[]> {
  const files: { name: string; content: Buffer }[] = [];
  for (const { file, why, sha256: hash } of approvals) {
    if (why !== null) continue;
    const content = await readLimited(file, MAX_ATTESTATION_BYTES);
    if (sha256(content) !== hash)
      throw new LivepatchError('attestation-refused', 'untrusted', {
        what: 'the approval was changed while it was published',
        where: file,
        remedy: 'publish again; find out who writes there',
      });
    files.push({ name: `approval-${basename(file)}`, content });
  }
  return files;
}

/**
 * Where the module comes from, beside it; one that was built before there was provenance has none. The archive signs what it publishes,
 * so it must be of this module. Errors: gate-refused.
 */
async function provenance({ livepatch, record }: LivepatchApprovals): Promise<{ name: string; content: Buffer }[]> {
  const file = join(livepatch.directory, PROVENANCE);
  if (!(await exists(file))) return [];
  const content = await readLimited(file, MAX_ATTESTATION_BYTES);
  if (subjectHash(content) !== sha256(record.module))
    throw new LivepatchError('gate-refused', 'untrusted', {
      what: 'the provenance is not that of the module',
      where: file,
      remedy: 'build the livepatch again; find out who changed it',
    });
  return [{ name: PROVENANCE, content }];
}

/** Undefined: it is no statement of one file. */
function subjectHash(content: Buffer): unknown {
  try {
    const { subject } = JSON.parse(content.toString('utf8')) as { subject?: { digest?: { sha256?: unknown } }[] };
    return subject?.length === 1 ? subject[0]?.digest?.sha256 : undefined;
  } catch {
    return undefined;
  }
}

/** Opens an empty index for a built kernel, so that its hosts can prove that they are served. */
export async function subscribe(store: Store, place: ArchivePlace, name: string): Promise<ReleaseIndex> {
  const kernel = await needKernel(store.db, name);
  if (kernel.buildId === null || kernel.release === null) {
    throw new KernelError('tree-missing', 'input', {
      what: 'the kernel is not built, so it has no build-id',
      where: name,
      remedy: `run "tuxtape kernel build ${name}"`,
    });
  }
  return subscribeKernel(place, kernel.buildId, kernel.release);
}
