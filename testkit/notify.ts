import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CveId, CveRecord, NoticeRule, VerdictStatus } from '#domain';
import { type Clock, systemClock } from '#host';
import { addBundledKernel, type NotifySettings } from '#pipeline';
import { addRule, putChannel, type Store, storeVerdicts, upsertCves } from '#store';
import { testStore } from './database.ts';
import { type HookReceiver, hookReceiver } from './hook-receiver.ts';
import { type MailServer, mailServer } from './mail-server.ts';
import { scratch } from './scratch.ts';

export const SECRET = '0123456789abcdef0123456789abcdef';

/** An installation with a mail server, a receiver of webhooks, a kernel with verdicts, and a clock that is set by hand. */
export interface NotifyPlace {
  readonly store: Store;
  readonly mail: MailServer;
  readonly hook: HookReceiver;
  readonly settings: NotifySettings;
  readonly clock: Clock & { forward(seconds: number): void };
  readonly kernelId: string;
  /** Makes a CVE, known before as not affected, of this status for the kernel. */
  readonly becomes: (
    number: number,
    status: VerdictStatus,
    part?: { title?: string; score?: number | null },
  ) => Promise<CveId>;
  readonly rule: (channel: string, part?: Partial<NoticeRule> & { kernelId?: string }) => Promise<string>;
}

export async function notifyPlace(given?: Store): Promise<NotifyPlace> {
  const store = given ?? (await testStore());
  const [mail, hook] = [await mailServer(), await hookReceiver()];
  const secretFile = join(await scratch(), 'hook.key');
  await writeFile(secretFile, `${SECRET}\n`, { mode: 0o600 });
  let ahead = 0;
  const now = (): Date => new Date(Date.now() + ahead * 1000);
  const forward = (seconds: number): void => {
    ahead += seconds;
  };
  const clock = { ...systemClock, now, forward };
  const team = { name: 'team', kind: 'mail', target: ['security@example.org'], secretFile: null } as const;
  const siem = { name: 'siem', kind: 'webhook', target: [`${hook.url}/in`], secretFile } as const;
  await putChannel(store.db, team, 'test', now());
  await putChannel(store.db, siem, 'test', now());
  const kernel = await addBundledKernel(store);
  const decide = (cve: CveId, status: VerdictStatus): Promise<unknown> => {
    const justification = status === 'not_affected' ? 'vulnerable_code_not_present' : null;
    const verdict = { cve, status, justification, evidence: [], input: status } as const;
    return storeVerdicts(store.db, kernel.id, [verdict], now());
  };
  const becomes: NotifyPlace['becomes'] = async (number, status, { title = `sample ${number}`, score = 7.8 } = {}) => {
    const id = `CVE-2026-${number}` as CveId;
    const record: CveRecord = {
      ...{ id, state: 'published', source: 'record', title, description: '', files: [], ranges: [], cvssVector: null },
      ...{ references: [], rationale: null, vulnerableCommits: [] },
    };
    await upsertCves(store.db, [{ record, score, oid: `o${number}` }]);
    await decide(id, 'not_affected');
    await decide(id, status);
    return id;
  };
  // The first verdicts of a kernel are all new: nobody is told of them.
  await becomes(1000, 'affected');
  const rule: NotifyPlace['rule'] = (channel, { kernelId = null, ...part } = {}) => {
    const all = { kinds: [], states: [], least: 'none', digestMinutes: 0 } as const;
    return addRule(store.db, { ...all, ...part, channel, kernelId }, 'test', now());
  };
  const settings: NotifySettings = {
    ...{ allowPrivate: false, name: 'test' },
    mail: {
      host: '127.0.0.1',
      port: mail.port,
      security: 'none',
      from: 'tuxtape@example.org',
      user: null,
      passwordFile: null,
    },
  };
  return { store, mail, hook, settings, clock, kernelId: kernel.id, becomes, rule };
}
