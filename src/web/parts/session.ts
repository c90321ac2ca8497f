import { ApiError, type Session } from '#contract';

export interface Login {
  readonly name: string;
  readonly password: string;
  /** One-time code; empty: none. */
  readonly code: string;
}

/** Begins a session. Errors: ApiError, with code-needed when the account has one-time codes. */
export async function logIn({ name, password, code }: Login): Promise<void> {
  await send('POST', { name, password, ...(code === '' ? {} : { code }) }, {});
}

export async function logOut({ csrf }: Session): Promise<void> {
  await send('DELETE', undefined, { 'x-csrf-token': csrf ?? '' });
}

async function send(method: string, body: object | undefined, headers: Record<string, string>): Promise<void> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch('/api/v1/session', { method, headers: { ...headers, ...type }, ...json });
  if (response.ok) return;
  const { code = 'unknown', title = `the server answered ${response.status}` } = (await response
    .json()
    .catch(() => ({}))) as { code?: string; title?: string };
  throw new ApiError(response.status, code, title);
}
