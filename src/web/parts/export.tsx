import { Button, Menu, Progress, Text } from '@mantine/core';
import { useState } from 'react';
import { csvOf } from './csv.ts';

type Row = Readonly<Record<string, unknown>>;
export type FetchPage<T> = (
  cursor: string | undefined,
  limit: number,
) => Promise<{ rows: readonly T[]; next: string | null }>;

const PAGE = 500;

/** Saves all lines of a list, page after page, as CSV or JSON. `total`: how many there are, if that is known. */
export function Export<T extends Row>({
  name,
  fetchPage,
  total,
}: {
  readonly name: string;
  readonly fetchPage: FetchPage<T>;
  readonly total?: number;
}) {
  const [read, setRead] = useState<number | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const save = async (kind: 'csv' | 'json'): Promise<void> => {
    setFailure(null);
    const rows: T[] = [];
    try {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        setRead(rows.length);
        const page = await fetchPage(cursor, PAGE);
        rows.push(...page.rows);
        cursor = page.next;
      }
      download(`${name}.${kind}`, kind === 'csv' ? csvOf(rows) : JSON.stringify(rows, null, 1));
    } catch (error) {
      // Half a list must not look like a whole one: nothing is saved.
      setFailure(error instanceof Error ? error.message : 'unknown');
    }
    setRead(null);
  };
  return (
    <div>
      <Menu>
        <Menu.Target>
          <Button variant="default" loading={read !== null}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => void save('csv')}>CSV</Menu.Item>
          <Menu.Item onClick={() => void save('json')}>JSON</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {read !== null && total !== undefined && total > PAGE && (
        <Progress value={(100 * read) / total} aria-label="exported" mt={4} />
      )}
      {failure !== null && (
        <Text size="sm" role="alert">
          Nothing was saved: {failure}
        </Text>
      )}
    </div>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
