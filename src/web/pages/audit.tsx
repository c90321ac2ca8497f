import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type SyntheticEvent } from 'react';
import type { AuditPage } from '#contract';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { Export } from '../parts/export.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { Notice } from '../parts/notice.tsx';
import { Answer, PageTitle } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

type Entry = AuditPage['entries'][number];

const DEFAULTS = { actor: '', subject: '' };

/** Who did what and why, the newest first, and whether the chain of it still holds. */
export function Audit() {
  const [{ actor, subject }, change] = useAddress(DEFAULTS);
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const words = { ...(actor && { actor }), ...(subject && { subject }), ...(cursor && { cursor }) };
    const { entries, next } = await api.audit({ limit, ...words });
    return { rows: entries, next };
  };
  const query = useLines(['audit', actor, subject], fetchPage);
  const submit = (event: SyntheticEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    change({ actor: text('actor'), subject: text('subject') });
  };
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="Audit log" />
        <Export name="audit" fetchPage={fetchPage} />
      </Group>
      <Chain />
      <form onSubmit={submit} key={`${actor} ${subject}`}>
        <Group align="end">
          <TextInput label="Who" name="actor" defaultValue={actor} maxLength={64} />
          <TextInput label="Subject" name="subject" defaultValue={subject} maxLength={200} />
          <Button type="submit" variant="default">
            Show
          </Button>
        </Group>
      </form>
      <Lines
        label="Audit log"
        query={query}
        columns={COLUMNS}
        keyOf={({ seq }) => String(seq)}
        heights={[76, 130]}
        empty="Nothing was done that fits."
      />
    </Stack>
  );
}

function Chain() {
  // It reads the whole log.
  const meta = { costly: true };
  const check = useQuery({ queryKey: ['audit-check'], queryFn: () => api.auditCheck(), refetchInterval: false, meta });
  return (
    <Answer query={check} height={40}>
      {({ rows, head, fault }) =>
        fault === null ? (
          <Notice tone="plain" name="The chain holds">
            {rows.toLocaleString('en')} entries; the last is {head === null ? 'none' : `${head.seq}, ${head.hash}`}. Who
            owns the database can make a new chain: only a mark kept elsewhere shows that.
          </Notice>
        ) : (
          <Notice tone="bad" name="The chain is broken">
            at entry {fault.seq}: {fault.what}
          </Notice>
        )
      }
    </Answer>
  );
}

const COLUMNS: readonly Column<Entry>[] = [
  {
    name: 'Entry',
    width: 'minmax(0, 1fr)',
    cell: ({ action, actor, via, subject, reason, at }) => (
      <>
        <Text size="sm" className="one-line">
          <b>{action}</b> by {actor} ({via})
        </Text>
        <div className="quiet one-line">{subject}</div>
        <div className="quiet one-line">{reason}</div>
        <Text hiddenFrom="md" className="quiet">
          <Time at={at} />
        </Text>
      </>
    ),
  },
  { name: 'When', width: '11rem', cell: ({ at }) => <Time at={at} />, wideOnly: true },
];
