import type { ReactNode } from 'react';

/** One line that stands before everything else. `bad`: something is broken; `wary`: believe with care. */
export function Notice({
  tone,
  name,
  children,
}: {
  readonly tone: 'bad' | 'wary' | 'plain';
  readonly name: string;
  readonly children: ReactNode;
}) {
  return (
    <p className={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <b>{name}:</b> {children}
    </p>
  );
}
