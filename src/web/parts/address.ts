import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

type Words = Readonly<Record<string, string>>;

/**
 * What a page shows, kept in the address, so that every view can be linked to. `defaults` says which words there are; one that has
 * its default is left out of the address. `typing`: letters typed into a search are one step back, not one each.
 */
export function useAddress<View extends Words>(
  defaults: View,
): [View, (part: Partial<View>, how?: 'step' | 'typing') => void] {
  const search: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const navigate = useNavigate();
  const names = Object.keys(defaults);
  const view = Object.fromEntries(
    names.map((name) => [name, typeof search[name] === 'string' ? search[name] : defaults[name]]),
  ) as View;
  const key = JSON.stringify(view);
  const change = useCallback(
    (part: Partial<View>, how: 'step' | 'typing' = 'step') => {
      const next: Words = { ...(JSON.parse(key) as View), ...part };
      const kept = Object.fromEntries(Object.entries(next).filter(([name, value]) => value !== defaults[name]));
      void navigate({ to: '.', search: kept as never, replace: how === 'typing', resetScroll: false });
    },
    [navigate, key, defaults],
  );
  return [view, change];
}

/** `?a=b` as words, and back; what stands there twice counts once. */
export function readWords(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function writeWords(words: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(words).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const text = new URLSearchParams(given).toString();
  return text === '' ? '' : `?${text}`;
}
