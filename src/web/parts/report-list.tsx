import { Group, Stack } from '@mantine/core';
import type { Report } from '#contract';
import { WordBadge } from './badges.tsx';
import { A } from './link.tsx';
import { Time } from './time.tsx';

/** Troubles of kernels, one a line; a line leads to its hosts. */
export function ReportList({ reports }: { readonly reports: readonly Report[] }) {
  return (
    <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {reports.map((report) => (
        <li key={report.key}>
          <ReportLine report={report} />
        </li>
      ))}
    </Stack>
  );
}

export function ReportLine({ report }: { readonly report: Report }) {
  const { key, kind, severity, title, blamed, hosts, count, lastAt } = report;
  return (
    <div>
      <Group gap="xs">
        {blamed && <WordBadge tone="bad">Livepatch blamed</WordBadge>}
        <WordBadge tone="plain">{`${kind}, ${severity}`}</WordBadge>
        <span className="quiet">
          {hosts.toLocaleString('en')} {hosts === 1 ? 'host' : 'hosts'}, {timesWords(count)}, last{' '}
          <Time at={lastAt} ago />
        </span>
      </Group>
      <A to="/reports" search={{ key } as never} size="sm">
        {title}
      </A>
    </div>
  );
}

/** How often something was. */
export function timesWords(count: number): string {
  return count === 1 ? 'once' : `${count.toLocaleString('en')} times`;
}
