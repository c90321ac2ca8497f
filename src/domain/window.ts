/** Days as a window names them, Monday first. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/**
 * Hours in which hosts may start, as the clocks of a time zone show them; the end is not part of them. From later than until:
 * over midnight, and it belongs to the day it begins on. Hours that a summer-time change skips or repeats are as the clock shows.
 */
export interface MaintenanceWindow {
  readonly days: readonly Weekday[];
  /** `HH:MM` */
  readonly from: string;
  readonly until: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly zone: string;
}

const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const MAX_ZONE = 64;

/** Why it is no window; null: it is one. */
export function windowProblem({ days, from, until, zone }: MaintenanceWindow): string | null {
  if (days.length === 0 || days.some((day) => !weekdays.includes(day)) || new Set(days).size !== days.length)
    return 'days are some of mon, tue, wed, thu, fri, sat, sun, each once';
  if (!CLOCK.test(from) || !CLOCK.test(until) || from === until) return 'from and until are two times, as 22:00';
  return zone.length <= MAX_ZONE && isZone(zone) ? null : `"${zone}" is no time zone`;
}

function isZone(zone: string): boolean {
  try {
    formatter(zone);
    return true;
  } catch {
    return false;
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making one takes longer than using it thousands of times. Throws for a zone that is none. */
function formatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  formatters.set(zone, made);
  return made;
}

function isInWindow({ days, from, until, zone }: MaintenanceWindow, now: Date): boolean {
  const parts = new Map(
    formatter(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const clock = `${parts.get('hour')}:${parts.get('minute')}`;
  const day = weekdays.indexOf(parts.get('weekday')!.toLowerCase() as Weekday);
  const isToday = days.includes(weekdays[day]!);
  if (from < until) return isToday && from <= clock && clock < until;
  return (isToday && from <= clock) || (days.includes(weekdays[(day + 6) % 7]!) && clock < until);
}

/** No window at all means any time. */
export function isInWindows(windows: readonly MaintenanceWindow[], now: Date): boolean {
  return windows.length === 0 || windows.some((window) => isInWindow(window, now));
}
