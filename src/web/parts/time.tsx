import { age } from './words.ts';

const LOCAL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** A time in the reader's zone, the exact one in UTC on hover. `ago`: how long ago instead. Text that is no time stays text. */
export function Time({ at, ago = false }: { readonly at: string | null; readonly ago?: boolean }) {
  if (at === null) return <span>never</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>{at}</span>;
  const exact = date.toISOString();
  return (
    <time dateTime={exact} title={`${exact.slice(0, 19).replace('T', ' ')} UTC`} style={{ whiteSpace: 'nowrap' }}>
      {ago ? age(at, new Date().toISOString()) : LOCAL.format(date)}
    </time>
  );
}
