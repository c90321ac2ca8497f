import { StageError } from '#domain';

export type RebootCode =
  | 'not-set-up'
  | 'hooks-invalid'
  | 'hooks-unsafe'
  | 'plan-invalid'
  | 'plan-open'
  | 'plan-used'
  | 'not-ready'
  | 'journal-damaged'
  | 'cap-damaged'
  | 'machine-unreadable';

export class RebootError extends StageError<RebootCode> {}
