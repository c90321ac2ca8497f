import { createHash } from 'node:crypto';
import type { CheckIn, HostReport } from '#domain';
import type { Doors } from '../doors.ts';
import type { Journal } from '../journal.ts';
import { type HostLog, judge, readHostLog } from '../judge.ts';
import { loadedOf } from '../report/status.ts';
import type { Settings } from '../settings.ts';
import type { ServerContact } from './contact.ts';

/** As many as one check-in takes; the others come with the next. */
const MOST_REPORTS = 20;
const MOST_MODULES = 2_000;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export interface Words {
  readonly said: CheckIn;
  /** As `ServerContact.modules`. */
  readonly modules: string;
}

/** What this host says of itself now. Errors: those of reading the kernel. */
export async function wordsOf(
  doors: Doors,
  {
    settings,
    journal,
    contact,
    version,
  }: { settings: Settings; journal: Journal; contact: ServerContact; version: string },
): Promise<Words> {
  const { kernel, clock } = doors;
  const names = [...(await kernel.modules())].toSorted().slice(0, MOST_MODULES);
  const modules = createHash('sha256').update(names.join(' ')).digest('hex');
  const bootId = await kernel.bootId();
  const known = contact.bootId === bootId ? contact.reports : [];
  const now = clock.now();
  const said: CheckIn = {
    // A host that lost its state goes on above what it said before: seconds are more than check-ins.
    seq: Math.max(contact.seq + 1, Math.floor(now.getTime() / 1000)),
    at: now.toISOString(),
    bootId,
    uptimeSeconds: Math.floor(await kernel.uptime()),
    agent: version,
    level: await doors.level(),
    kernel: {
      buildId: await kernel.buildId().catch(() => null),
      release: await kernel.release(),
      arch: ARCHITECTURES[process.arch] ?? process.arch,
    },
    ring: settings.ring,
    labels: settings.labels,
    livepatch: {
      state: journal.state,
      release: journal.release?.number ?? null,
      sha256: journal.release?.sha256 ?? null,
      alarm: journal.alarm?.slice(0, 512) ?? null,
    },
    archive: journal.contact.error?.code ?? (journal.contact.failingSince === null ? null : 'unreachable'),
    modules: contact.modules === modules ? null : names,
    reports: (await reportsOf(doors, journal)).filter(({ key }) => !known.includes(key)).slice(0, MOST_REPORTS),
  };
  return { said, modules };
}

/** Kernel reports of this boot, and whether the livepatch that is on is blamed by more than the time. A log that cannot be read gives none. */
async function reportsOf(doors: Doors, journal: Journal): Promise<HostReport[]> {
  let log: HostLog;
  try {
    log = await readHostLog(doors.kernel);
  } catch {
    return [];
  }
  const on = new Set((await doors.kernel.livepatches()).map(({ name }) => name));
  const release = loadedOf(journal, on) ?? journal.release;
  const trial =
    release === null
      ? null
      : { moduleName: release.moduleName, replaced: release.functions, baseline: journal.baseline };
  const weak = new Set(['baseline', 'loaded', 'later', 'soon']);
  const blamed = new Set(
    trial === null
      ? []
      : judge(log, trial).flatMap(({ report, blame: { level } }) => (weak.has(level) ? [] : [report.key])),
  );
  const at = doors.clock.now().toISOString();
  const once = new Map(log.reports.map((report) => [report.key, report]));
  return [...once.values()].map(({ key, kind, severity, title }) => {
    const cut = { kind: kind.slice(0, 64), title: title.slice(0, 512) };
    const ours = blamed.has(key);
    return { key: key.slice(0, 128), ...cut, severity, blamed: ours, release: release?.number ?? null, at };
  });
}
