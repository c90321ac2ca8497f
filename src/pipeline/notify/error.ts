import { StageError } from '#domain';

export type NotifyCode =
  | 'channel-invalid'
  | 'secret-unreadable'
  | 'mail-not-set-up'
  | 'mail-failed'
  | 'mail-refused'
  | 'webhook-refused'
  | 'webhook-failed';

/** A message that did not get through. */
export class NotifyError extends StageError<NotifyCode> {}
