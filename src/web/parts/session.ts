import type { Session } from '#contract';
import { send } from './send.ts';

export interface Login {
  readonly name: string;
  readonly password: string;
  /** One-time code; empty: none. */
  readonly code: string;
}

/** Begins a session. Errors: ApiError, with code-needed when the account has one-time codes. */
export async function logIn({ name, password, code }: Login): Promise<void> {
  await send('POST', '/session', null, { name, password, ...(code === '' ? {} : { code }) });
}

export async function logOut(session: Session): Promise<void> {
  await send('DELETE', '/session', session);
}
