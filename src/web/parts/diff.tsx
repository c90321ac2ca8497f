/** Lines that are drawn; the rest of a longer change is told as a number. */
const MOST_LINES = 20_000;

function kindOf(line: string): string | undefined {
  if (/^(?:diff |index |--- |\+\+\+ |new file|deleted file|rename |similarity )/.test(line)) return 'file';
  if (line.startsWith('@@')) return 'hunk';
  if (line.startsWith('+')) return 'add';
  return line.startsWith('-') ? 'del' : undefined;
}

/** A unified diff. What is added and taken away is coloured, and says so by its first letter, too. */
export function Diff({ text }: { readonly text: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  const more = lines.length - MOST_LINES;
  return (
    <pre className="diff" tabIndex={0} role="group" aria-label="Change">
      {lines.slice(0, MOST_LINES).map((line, i) => (
        // oxlint-disable-next-line no-array-index-key -- a line has no name but its place
        <span key={i} className={kindOf(line)}>
          {line === '' ? ' ' : line}
        </span>
      ))}
      {more > 0 && <span>{more.toLocaleString('en')} more lines</span>}
    </pre>
  );
}
