import { Alert, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Notice } from './notice.tsx';

/** The heading of a page; the window is named after it. */
export function PageTitle({ children, name }: { readonly children?: ReactNode; readonly name: string }) {
  useEffect(() => {
    document.title = `${name} · TuxTape`;
  }, [name]);
  return (
    <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
      {children ?? name}
    </Title>
  );
}

/** A part of a page, named by its heading. */
export function Part({
  name,
  children,
  right,
}: {
  readonly name: string;
  readonly children: ReactNode;
  readonly right?: ReactNode;
}) {
  return (
    <Stack gap="xs" component="section" aria-label={name}>
      <Group justify="space-between" align="end">
        <Title order={2} size="h4">
          {name}
        </Title>
        {right}
      </Group>
      {children}
    </Stack>
  );
}

export function Loading({ height = 200 }: { readonly height?: number }) {
  return (
    <div role="status" aria-label="loading" aria-busy="true">
      <Skeleton height={height} />
    </div>
  );
}

/** There is nothing, and why, and what to do. */
export function Empty({ children }: { readonly children: ReactNode }) {
  return (
    <Text p="lg" ta="center" c="dimmed">
      {children}
    </Text>
  );
}

export function Failed({ error, retry }: { readonly error: Error; readonly retry?: () => void }) {
  return (
    <Alert color="red.9" variant="filled" title="This could not be loaded" role="alert">
      <Group justify="space-between">
        <Text size="sm">{error.message}</Text>
        {retry !== undefined && (
          <Button variant="white" color="dark" size="xs" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** What was asked for, or that it is on its way, or why it is not there. What failed to be read again stays, marked as old. */
export function Answer<T>({
  query,
  children,
  height,
}: {
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
  readonly height?: number;
}) {
  const retry = (): void => void query.refetch();
  if (query.data === undefined)
    return query.isError ? <Failed error={query.error} retry={retry} /> : <Loading {...(height && { height })} />;
  return (
    <>
      {query.isError && (
        <Notice tone="wary" name="Old">
          It could not be read again ({query.error.message}). This is from{' '}
          {new Date(query.dataUpdatedAt).toLocaleTimeString('en-GB')}.
        </Notice>
      )}
      {children(query.data)}
    </>
  );
}
