import { ApiError, type Session } from '#contract';

/** Changes something through the API. `session`: whose word goes with it; null: none yet. Errors: ApiError. */
export async function send(
  method: 'POST' | 'DELETE',
  path: string,
  session: Pick<Session, 'csrf'> | null,
  body?: object,
): Promise<void> {
  const headers: Record<string, string> = {
    ...(session === null ? {} : { 'x-csrf-token': session.csrf ?? '' }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`/api/v1${path}`, { method, headers, ...json });
  if (response.ok) return;
  const { code = 'unknown', title = `the server answered ${response.status}` } = (await response
    .json()
    .catch(() => ({}))) as { code?: string; title?: string };
  throw new ApiError(response.status, code, title);
}
