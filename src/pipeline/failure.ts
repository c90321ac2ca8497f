import { messageOf, StageError } from '#domain';
import { FeedError } from '#feed';
import type { Clock } from '#host';
import { recordFailure, type Store } from '#store';

/**
 * Writes down that a source failed, and gives its failure: whatever a hostile source breaks, the others are read. Thrown
 * on is only what would stop every source alike: what the database says of itself, and that we were told to stop.
 */
export async function writeFailure(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  source: string,
  thrown: unknown,
): Promise<StageError> {
  const known = thrown instanceof StageError ? thrown : null;
  if (known !== null && String(known.code).startsWith('database-')) throw known;
  if (thrown instanceof Error && thrown.name === 'AbortError') throw thrown;
  const error = known ?? unexpected(source, thrown);
  const { code, message: reason } = error;
  await recordFailure(store.db, { source, at: clock.now(), code: String(code), reason });
  return error;
}

function unexpected(source: string, thrown: unknown): FeedError {
  return new FeedError('source-unexpected', 'us', {
    what: `${source}: ${messageOf(thrown)}`,
    remedy: 'what was read before is kept; please report this with the message and the address of the source',
    cause: thrown,
  });
}
