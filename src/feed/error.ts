import { StageError } from '#domain';

export type FeedCode =
  | 'feed-unreachable'
  | 'feed-not-an-archive'
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
  | 'signal-unreadable'
  | 'signal-truncated'
  | 'signal-shrunk'
  | 'signal-throttled'
  | 'signal-row-invalid';

export class FeedError extends StageError<FeedCode> {}
