import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, StageError } from '#domain';
import { isRoot, makeFolders, readLimited, systemClock, withLock } from '#host';
import { AgentError } from './error.ts';
import { linuxKernel } from './kernel-door.ts';
import { type PollResult, poll } from './poll.ts';
import { emptyJournal, readJournal } from './state.ts';
import { type AgentStatus, exitCodeOf, writeStatus } from './status.ts';

const MAX_ROOT_BYTES = 1 << 20;
const LOCK_WAIT_MS = 1_000;
const USAGE = 64;

const HELP = `tuxtape-agent run --archive URL --root FILE [--state DIR] [--status FILE] [--soak SECONDS]
    one poll: find the release for this kernel, verify it, load it, watch it
tuxtape-agent status [--status FILE]
    what the last poll found

Exit codes: 0 done; 10-18 the archive is offline or not believed; 20 this kernel is not served; 30-35 the livepatch was not
loaded or was taken back; 64 usage; 77 not root; 78-79 the root of trust cannot be read or used.`;

const options = {
  archive: { type: 'string' },
  root: { type: 'string' },
  state: { type: 'string', default: '/var/lib/tuxtape-agent' },
  status: { type: 'string', default: '/run/tuxtape/status.json' },
  soak: { type: 'string', default: '10' },
  help: { type: 'boolean', default: false },
} as const;

interface RunSettings {
  readonly archive: string;
  readonly root: string;
  readonly state: string;
  readonly status: string;
  readonly soakMs: number;
}

async function runOnce(settings: RunSettings): Promise<number> {
  if (!isRoot()) throw new AgentError('not-root', 'input', { what: 'loading a livepatch needs root' });
  await makeFolders(settings.state, 0o700);
  const root = await readLimited(settings.root, MAX_ROOT_BYTES).catch((error: unknown) => {
    throw new AgentError('root-unreadable', 'input', {
      what: 'the root of trust cannot be read',
      where: settings.root,
      cause: error,
    });
  });
  return withLock(join(settings.state, 'lock'), LOCK_WAIT_MS, async () => {
    let contact: { at: string; expires: string } | null = null;
    const onContact = (expires: string): void => {
      contact = { at: systemClock.now().toISOString(), expires };
    };
    let result: PollResult | null = null;
    let failure: unknown = null;
    try {
      result = await poll(
        {
          url: settings.archive,
          root,
          state: settings.state,
          soakMs: settings.soakMs,
          kernel: linuxKernel,
          clock: systemClock,
        },
        onContact,
      );
    } catch (error) {
      failure = error;
    }
    const status = await statusOf(settings, result, failure, contact);
    await writeStatus(settings.status, status);
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return failure === null ? 0 : exitCodeOf(failure);
  });
}

async function statusOf(
  settings: RunSettings,
  result: PollResult | null,
  failure: unknown,
  contact: { at: string; expires: string } | null,
): Promise<AgentStatus> {
  const bootId = await linuxKernel.bootId();
  const journal = await readJournal(settings.state, bootId).catch(() => emptyJournal(bootId));
  const error =
    failure === null
      ? null
      : {
          code: failure instanceof StageError ? String(failure.code) : 'internal',
          what: messageOf(failure),
        };
  return {
    version: 1,
    at: systemClock.now().toISOString(),
    bootId,
    kernel: { release: await linuxKernel.release(), buildId: await linuxKernel.buildId().catch(() => 'unknown') },
    state: result?.state ?? journal.state,
    release: result === null ? journal.release : result.release,
    note: result?.note ?? '',
    error,
    archive: { url: settings.archive, lastContact: contact?.at ?? null, metadataExpires: contact?.expires ?? null },
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const soak = Number(values.soak);
  if (
    positionals[0] === 'run' &&
    values.archive !== undefined &&
    values.root !== undefined &&
    Number.isFinite(soak) &&
    soak >= 0
  ) {
    return runOnce({
      archive: values.archive,
      root: values.root,
      state: values.state,
      status: values.status,
      soakMs: soak * 1000,
    });
  }
  if (positionals[0] === 'status') {
    process.stdout.write(await readFile(values.status, 'utf8'));
    return 0;
  }
  process.stderr.write(`${HELP}\n`);
  return USAGE;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`tuxtape-agent: ${messageOf(error)}\n`);
    process.exitCode = error instanceof TypeError ? USAGE : exitCodeOf(error);
  },
);
