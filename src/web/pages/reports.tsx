import { Group, NativeSelect, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Report, ReportQuery } from '#contract';
import { useAddress } from '../parts/address.ts';
import { api } from '../parts/api.ts';
import { WordBadge } from '../parts/badges.tsx';
import { Export } from '../parts/export.tsx';
import { type Column, Lines, useLines } from '../parts/lines.tsx';
import { A } from '../parts/link.tsx';
import { ReportLine, timesWords } from '../parts/report-list.tsx';
import { Answer, PageTitle, Part } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

const DEFAULTS = { blamed: '', key: '' };
const CHOICES = [
  { value: '', label: 'All reports' },
  { value: 'true', label: 'A livepatch is blamed' },
  { value: 'false', label: 'No livepatch is blamed' },
];

/** What kernels of the fleet reported, the same trouble once; one of them opens its hosts. */
export function Reports() {
  const [{ blamed, key }, change] = useAddress(DEFAULTS);
  const fetchPage = async (cursor: string | undefined, limit: number) => {
    const query: ReportQuery = {
      limit,
      ...(blamed === 'true' || blamed === 'false' ? { blamed } : {}),
      ...(cursor && { cursor }),
    };
    const { reports, next } = await api.reports(query);
    return { rows: reports, next };
  };
  const query = useLines(['reports', blamed], fetchPage);
  return (
    <Stack>
      <Group justify="space-between" align="end">
        <PageTitle name="Kernel reports" />
        <Export name="reports" fetchPage={fetchPage} />
      </Group>
      <NativeSelect
        aria-label="Blame"
        value={blamed}
        data={CHOICES}
        maw={300}
        onChange={(event) => change({ blamed: event.currentTarget.value })}
      />
      {key !== '' && <ReportHosts reportKey={key} close={() => change({ key: '' })} />}
      <Lines
        label="Kernel reports"
        query={query}
        columns={COLUMNS}
        keyOf={(report) => report.key}
        heights={[72, 120]}
        empty="No kernel reported anything. A silent host reports nothing either: see the fleet."
      />
    </Stack>
  );
}

const COLUMNS: readonly Column<Report>[] = [
  { name: 'Report', width: 'minmax(0, 1fr)', cell: (report) => <ReportLine report={report} /> },
];

function ReportHosts({ reportKey, close }: { readonly reportKey: string; readonly close: () => void }) {
  const hosts = useQuery({ queryKey: ['report-hosts', reportKey], queryFn: () => api.reportHosts(reportKey) });
  return (
    <Part
      name="Hosts that reported it"
      right={
        <A
          to="/reports"
          onClick={(event) => {
            event.preventDefault();
            close();
          }}
        >
          Close
        </A>
      }
    >
      <Text className="quiet" style={{ overflowWrap: 'anywhere' }}>
        {reportKey}
      </Text>
      <Answer query={hosts}>
        {({ hosts: rows, more }) => (
          <Table.ScrollContainer
            minWidth={300}
            type="native"
            tabIndex={0}
            role="group"
            aria-label="Hosts that reported it"
          >
            <Table>
              <Table.Tbody>
                {rows.map(({ id, name, release, blamed, count, lastAt }) => (
                  <Table.Tr key={id}>
                    <Table.Td>
                      <A to="/hosts/$id" params={{ id }} size="sm">
                        {name}
                      </A>
                    </Table.Td>
                    <Table.Td>{release === null ? 'no release on' : `release ${release}`}</Table.Td>
                    <Table.Td>{blamed && <WordBadge tone="bad">Blamed</WordBadge>}</Table.Td>
                    <Table.Td>
                      {timesWords(count)}, last <Time at={lastAt} ago />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            {more && <Text className="quiet">and more hosts</Text>}
          </Table.ScrollContainer>
        )}
      </Answer>
    </Part>
  );
}
