import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from './api.ts';
import { sourceWords } from './words.ts';

/** Why it stands where it stands: every term, and what each source says, with its time. */
export function Standing({ cve }: { readonly cve: string }) {
  const standing = useQuery({ queryKey: ['standing', cve], queryFn: () => api.standing(cve) });
  if (standing.isPending) return <Skeleton height={60} />;
  if (standing.isError) return <Text size="sm">Why it stands here could not be loaded: {standing.error.message}</Text>;
  const { terms, signals } = standing.data;
  return (
    <Stack gap={4} component="section" aria-label={`Priority of ${cve}`}>
      <Text fw={700}>Why it stands here</Text>
      {terms.map(({ name, sentence }) => (
        <Text key={name} size="sm">
          {sentence}
        </Text>
      ))}
      {signals.map(({ source, at, readAt, sentence }) => (
        <Text key={source} size="sm">
          <b>{sourceWords[source] ?? source}</b> ({(at ?? readAt).slice(0, 10)}): {sentence}
        </Text>
      ))}
    </Stack>
  );
}
