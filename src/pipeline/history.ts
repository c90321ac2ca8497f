import { join } from 'node:path';
import type { CveId } from '#domain';
import { type RecordHistory, recordHistory } from '#feed';
import { exists, Git } from '#host';
import { announcementsOf, auditOf, type Store, signalsOf } from '#store';

/** Something that happened to a CVE: where it was said, and what. `at` is the source's own time; null = none given. */
export interface HistoryEvent {
  readonly at: Date | null;
  readonly source: 'mail' | 'record' | 'signal' | 'person';
  readonly what: string;
}

export interface History {
  readonly events: readonly HistoryEvent[];
  /** How far back the records go; null = there is no mirror of vulns.git. */
  readonly records: Pick<RecordHistory, 'since' | 'whole'> | null;
}

/** What changed when: mails, the record's own history, signals as they are now, and what people decided. */
export async function historyOf(store: Store, dataDirectory: string | null, id: CveId): Promise<History> {
  const mirror = dataDirectory === null ? null : join(dataDirectory, 'mirrors/vulns.git');
  const records = mirror !== null && (await exists(mirror)) ? await recordHistory(new Git(mirror), id) : null;
  const [mails, signals, audit] = await Promise.all([
    announcementsOf(store.db, id),
    signalsOf(store.db, [id]),
    auditOf(store.db, id),
  ]);
  const events: HistoryEvent[] = [
    ...mails.map(
      ({ sentAt, subject, withdrawn }): HistoryEvent => ({
        at: sentAt === null ? null : new Date(sentAt),
        source: 'mail',
        what: withdrawn ? `${subject} (taken back since)` : subject,
      }),
    ),
    ...(records?.changes ?? []).flatMap(({ at, changes }) =>
      changes.map((what): HistoryEvent => ({ at, source: 'record', what })),
    ),
    ...(signals.get(id) ?? []).map(
      ({ at, readAt, value }): HistoryEvent => ({
        at: at === null ? readAt : new Date(at),
        source: 'signal',
        what: `${value.source}, read ${readAt.toISOString().slice(0, 10)}`,
      }),
    ),
    ...audit.map(({ at, actor, action }): HistoryEvent => ({ at, source: 'person', what: `${action} by ${actor}` })),
  ];
  return {
    events: events.toSorted((a, b) => (a.at?.getTime() ?? 0) - (b.at?.getTime() ?? 0)),
    records: records && { since: records.since, whole: records.whole },
  };
}
