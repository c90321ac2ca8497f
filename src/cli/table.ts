import Table from 'cli-table3';

/**
 * A plain table: a head line and rows, columns padded, no frame, so that it can be read, copied and piped.
 * Control characters of hostile text are shown as `?`: nothing may move the cursor of a terminal.
 */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const view = new Table({
    head: [...head],
    chars: {
      ...{
        top: '',
        'top-mid': '',
        'top-left': '',
        'top-right': '',
        bottom: '',
        'bottom-mid': '',
        'bottom-left': '',
        'bottom-right': '',
      },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) view.push(row.map((cell) => inert(String(cell))));
  return view
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Text of unknown origin, made safe for a terminal. */
export function inert(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are exactly the characters to catch
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}

export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
