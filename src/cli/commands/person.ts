import { userInfo } from 'node:os';
import { InvalidArgumentError } from 'commander';

/** Who decides: as given, else the user of this session. */
export function author(by: string | undefined): string {
  return by ?? userInfo().username;
}

/** A day that lies ahead, at its beginning (UTC). */
export function futureDay(text: string): Date {
  const time = Date.parse(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(time))
    throw new InvalidArgumentError('a day is wanted, as 2027-01-31');
  if (time <= Date.now()) throw new InvalidArgumentError('the day must lie ahead');
  return new Date(time);
}
