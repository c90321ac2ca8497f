/** Hours of the day in which nothing is built, as the clock of a time zone shows them; the end is not part of them. */
export interface QuietHours {
  /** `HH:MM`; from later than until: over midnight. */
  readonly from: string;
  readonly until: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly zone: string;
}

/** How far the machine may go by itself for one kernel; what a person decides (approval, release) it never does. */
export interface Policy {
  /** CVEs of a smaller weight (severity x reach x exposure) wait. */
  readonly leastWeight: number;
  /** CVEs that are exploited in the wild are taken whatever their weight, at once, in quiet hours too. */
  readonly exploitedAlways: boolean;
  readonly quiet: QuietHours | null;
  /** A livepatch is built once so many CVEs are new in it. */
  readonly gather: number;
  /** A hunk that cannot go into a livepatch is left out where the rest stands; false: such a fix waits for a person. */
  readonly answers: boolean;
  /** Source of fixes; null: that of the configuration. */
  readonly fixes: string | null;
}

export const defaultPolicy: Policy = {
  leastWeight: 0,
  exploitedAlways: true,
  quiet: null,
  gather: 1,
  answers: true,
  fixes: null,
};

const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Reads `22:00-06:00`; undefined for anything else, and for a zone that is not known. */
export function parseQuietHours(text: string, zone: string): QuietHours | undefined {
  const [from, until, ...rest] = text.split('-');
  if (rest.length > 0 || !CLOCK.test(from ?? '') || !CLOCK.test(until ?? '') || from === until) return undefined;
  try {
    Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    return undefined;
  }
  return { from: from!, until: until!, zone };
}

export function isQuiet(hours: QuietHours, now: Date): boolean {
  const clock = now.toLocaleTimeString('en-GB', { timeZone: hours.zone, hour: '2-digit', minute: '2-digit' });
  const { from, until } = hours;
  return from < until ? from <= clock && clock < until : from <= clock || clock < until;
}
