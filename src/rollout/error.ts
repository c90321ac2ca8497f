import { StageError } from '#domain';

/**
 * `policy-invalid`: a policy file that is not one. `file-outdated`: a later file was published already. `file-unreadable`: what was published
 * cannot be read, so that nobody knows what hosts were told.
 */
export type RolloutCode = 'policy-invalid' | 'file-outdated' | 'file-unreadable';

export class RolloutError extends StageError<RolloutCode> {}
