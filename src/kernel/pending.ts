/** Stands in for readers that are made elsewhere; goes away when they are there. */
import type { Profile } from '#domain';
import { KernelError } from './error.ts';
import { readProfile } from './profile.ts';

export interface PredictOptions {
  readonly source: string;
  readonly config: string;
  readonly arch: string;
}

export function predictProfile(options: PredictOptions): Promise<Profile> {
  return Promise.reject(missing(options.config));
}

/** `readProfile` with the source tree of a build folder of its own (O=). */
export const readBuildProfile: (build: string, source?: string) => Promise<Profile> = readProfile;

function missing(where: string): KernelError {
  return new KernelError('profile-unreadable', 'us', { what: 'this reader is not part of this TuxTape yet', where });
}
