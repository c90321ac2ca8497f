import { type Query, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { isFarScrolled } from '../parts/lines.tsx';

/** Changes come in bursts: what they are about is read once for all of them. */
const GATHER_MS = 1_000;

/**
 * What the server says has changed is read again at once. Only while the page is seen: a browser has six connections to a server, and
 * as many hidden pages would take all of them. Without the stream everything is still read again, by and by.
 */
export function useLive(): void {
  const queries = useQueryClient();
  useEffect(() => {
    let stream: EventSource | null = null;
    let timer: number | undefined;
    const onChange = (): void => {
      timer ??= window.setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ predicate: isCheap });
      }, GATHER_MS);
    };
    const follow = (): void => {
      if (document.hidden) {
        stream?.close();
        stream = null;
        return;
      }
      if (stream !== null) return;
      stream = new EventSource('/api/v1/events');
      stream.addEventListener('change', onChange);
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      window.clearTimeout(timer);
      stream?.close();
    };
  }, [queries]);
}

/** What costs the server much to read is read when somebody asks for it. */
function isCheap({ meta, state }: Query): boolean {
  return meta?.['costly'] !== true && !isFarScrolled(state.data);
}
