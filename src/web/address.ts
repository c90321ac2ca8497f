import { useCallback, useEffect, useState } from 'react';

/** What the page shows, kept in the address, so that every view can be linked to. */
export interface View {
  readonly kernel: string;
  readonly status: string;
  readonly q: string;
  readonly cve: string;
}

const DEFAULTS: View = { kernel: '', status: 'affected', q: '', cve: '' };

function read(): View {
  const words = new URLSearchParams(window.location.search);
  return {
    kernel: words.get('kernel') ?? DEFAULTS.kernel,
    status: words.get('status') ?? DEFAULTS.status,
    q: words.get('q') ?? '',
    cve: words.get('cve') ?? '',
  };
}

export function useView(): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(read);
  useEffect(() => {
    const onPop = (): void => setView(read());
    window.addEventListener('popstate', onPop);
    return () => window.removeEventListener('popstate', onPop);
  }, []);
  const change = useCallback((part: Partial<View>) => {
    const next = { ...read(), ...part };
    const words = new URLSearchParams(
      Object.entries(next).filter(([name, value]) => value !== DEFAULTS[name as keyof View]),
    );
    // Letters typed into the search are one step back, not one each.
    const write = part.q === undefined ? 'pushState' : 'replaceState';
    window.history[write](null, '', `?${words.toString()}`);
    setView(next);
  }, []);
  return [view, change];
}
