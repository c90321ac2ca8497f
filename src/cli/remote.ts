import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ApiError, type Client, createClient } from '#contract';
import { getJson, readLimited } from '#host';
import { isToken } from '#identity';
import { CliError } from './error.ts';

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 32 << 20;
const MAX_TOKEN_BYTES = 4_096;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Where a command reads: from a server, or, without these, from the data of this machine. */
export interface RemoteFlags {
  readonly server?: string;
  readonly tokenFile?: string;
}

export function remoteOptions(command: Command): Command {
  return command
    .option('--server <url>', 'ask this server instead of reading the data of this machine')
    .option('--token-file <file>', 'file with a token for it ("tuxtape token make")');
}

/** The server that these flags name; null: none. Errors: server-insecure, token-refused, those of reading the file. */
export async function remoteOf({ server, tokenFile }: RemoteFlags, signal: AbortSignal): Promise<Client | null> {
  if (server === undefined && tokenFile === undefined) return null;
  const url = URL.parse(server ?? '');
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === null || !isSafe)
    throw new CliError('server-insecure', 'input', {
      what: 'the address of the server is not https: whoever is on the way could read the token',
      where: server,
      remedy: 'give --server an https address; http is taken on this machine only',
    });
  const headers = tokenFile === undefined ? {} : { authorization: `Bearer ${await readToken(tokenFile)}` };
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, headers, signal };
  return createClient(async (address) => {
    const { status, body } = await getJson(address, options);
    return { ok: status === 200, status, json: () => Promise.resolve(body) };
  }, url.origin);
}

/** Asks the server; what it refuses becomes an error of ours. Errors: token-refused, not-found as the server says, server-refused. */
export async function ask<T>(client: Client, question: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await question(client);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status, code, message } = error;
    const what = `the server answered ${status} (${code.slice(0, 60)}): ${message.slice(0, 300)}`;
    if (status === 401 || status === 403)
      throw new CliError('token-refused', 'input', {
        what,
        remedy: 'give --token-file a token whose account holds a role for this; "tuxtape token make" makes one there',
      });
    throw new CliError('server-refused', status >= 500 || status === 429 ? 'network' : 'input', { what });
  }
}

async function readToken(file: string): Promise<string> {
  const token = (await readLimited(resolve(file), MAX_TOKEN_BYTES)).toString('utf8').trim();
  if (isToken(token)) return token;
  throw new CliError('token-refused', 'input', { what: 'this file holds no token', where: file });
}
