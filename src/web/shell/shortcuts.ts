import { useLocalStorage } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { pages } from './pages.ts';

/** How long after `g` the letter of a page counts. */
const CHORD_MS = 1_500;

/** Single keys can be switched off (WCAG 2.2, 2.1.4): who speaks to a computer says letters all the time. */
export function useSingleKeys(): readonly [boolean, (on: boolean) => void] {
  const [on, setOn] = useLocalStorage({
    key: 'tuxtape-single-keys',
    defaultValue: true,
    getInitialValueInEffect: false,
  });
  return [on, setOn];
}

/** `/` goes to the search, `?` to the help, `g` and a letter to a page. Never while somebody writes. */
export function useShortcuts(on: boolean, help: () => void): void {
  const navigate = useNavigate();
  const chord = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!on || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      const waited = performance.now() - chord.current < CHORD_MS;
      chord.current = event.key === 'g' ? performance.now() : 0;
      const page = waited ? pages.find(({ key }) => key === event.key) : undefined;
      if (page !== undefined) void navigate({ to: page.to });
      else if (event.key === '?') help();
      else if (event.key === '/') toSearch();
      else return;
      event.preventDefault();
    };
    const toSearch = (): void => {
      const field = document.querySelector<HTMLElement>('[data-search]');
      if (field !== null) field.focus();
      else
        void navigate({ to: '/cves' }).then(() =>
          setTimeout(() => document.querySelector<HTMLElement>('[data-search]')?.focus(), 200),
        );
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [on, help, navigate]);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
