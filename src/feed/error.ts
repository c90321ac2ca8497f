import { StageError } from '#domain';

export type FeedCode =
  | 'feed-unreachable'
  | 'feed-not-an-archive'
  | 'feed-epoch-gone'
  | 'feed-empty'
  | 'transfer-unreadable'
  | 'transfer-untrusted'
  | 'transfer-older'
  | 'transfer-future'
  | 'mail-missing'
  | 'mail-too-large'
  | 'mail-unreadable'
  | 'mail-sender'
  | 'mail-not-an-announcement'
  | 'mail-ids-disagree'
  | 'record-unreadable'
  | 'record-too-large'
  | 'record-vanished'
  | 'dyad-unreadable'
  | 'cvss-invalid'
  | 'score-disagrees'
  | 'source-unexpected'
  | 'signal-unreadable'
  | 'signal-truncated'
  | 'signal-shrunk'
  | 'signal-throttled'
  | 'signal-row-invalid';

export class FeedError extends StageError<FeedCode> {}

export function unreachable(address: string, cause: unknown): FeedError {
  return new FeedError('feed-unreachable', 'network', {
    what: 'the feed cannot be reached',
    where: address,
    remedy: 'check the address and the network; what was synced before is kept',
    cause,
  });
}
