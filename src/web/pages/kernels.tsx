import { Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { severities } from '#domain';
import { api } from '../parts/api.ts';
import { SeverityCount, StatusBadge } from '../parts/badges.tsx';
import { A } from '../parts/link.tsx';
import { Answer, Empty, PageTitle } from '../parts/states.tsx';

/** Every kernel with what is open in it, and how many hosts run it. */
export function Kernels() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => api.overview() });
  const fleet = useQuery({ queryKey: ['fleet'], queryFn: () => api.fleet() });
  const hostsOf = (name: string): string => {
    if (fleet.data === undefined) return 'hosts not counted yet';
    const hosts = fleet.data.kernels.filter(({ kernel }) => kernel === name).reduce((sum, one) => sum + one.hosts, 0);
    return hosts === 1 ? '1 host' : `${hosts.toLocaleString('en')} hosts`;
  };
  return (
    <Stack>
      <PageTitle name="Kernels" />
      <Answer query={overview}>
        {({ kernels }) => (
          <>
            {kernels.length === 0 && <Empty>There is no kernel yet. Add one with “tuxtape kernel add”.</Empty>}
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
              {kernels.map(({ name, version, bundled, decided, affected, open }) => (
                <Paper key={name} withBorder p="md" component="section" aria-label={name}>
                  <A to="/kernels/$kernel" params={{ kernel: name }} fw={700} style={{ overflowWrap: 'anywhere' }}>
                    {name}
                  </A>
                  <Text className="quiet">
                    {version}
                    {bundled ? ', sample' : ''}, {hostsOf(name)}
                  </Text>
                  <Group gap={6} mt="xs">
                    {!decided && <StatusBadge status={null} />}
                    {severities
                      .filter((severity) => affected[severity] > 0)
                      .map((severity) => (
                        <SeverityCount key={severity} severity={severity} count={affected[severity]} />
                      ))}
                    {open > 0 && <span className="quiet">{open.toLocaleString('en')} under investigation</span>}
                  </Group>
                </Paper>
              ))}
            </SimpleGrid>
          </>
        )}
      </Answer>
    </Stack>
  );
}
