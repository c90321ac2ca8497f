import { Alert, Anchor, Button, Container, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { ApiError } from '#contract';
import { type Login, logIn } from '../parts/session.ts';

/** Asks who it is; the code of an account that has them is asked for once the password was right. */
export function LoginPage({ oidc }: { readonly oidc: boolean }) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const login = useMutation({
    mutationFn: (given: Login) => logIn(given),
    onSuccess: () => queries.invalidateQueries(),
    onError: (error) => {
      if (error instanceof ApiError && error.code === 'code-needed') setAsked(true);
    },
  });
  const submit = (event: SyntheticEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    login.mutate({ name: text('name'), password: text('password'), code: text('code').trim() });
  };
  return (
    <Container component="main" size="xs" py="xl">
      <form onSubmit={submit}>
        <Stack>
          <Title order={1} size="h2">
            TuxTape
          </Title>
          {login.error !== null && (
            <Alert color={asked ? 'blue' : 'red'} role="alert">
              {login.error.message}
            </Alert>
          )}
          <TextInput label="Name" name="name" autoComplete="username" required />
          <PasswordInput label="Password" name="password" autoComplete="current-password" required />
          {asked && (
            <TextInput label="One-time code" name="code" autoComplete="one-time-code" inputMode="numeric" required />
          )}
          <Button type="submit" loading={login.isPending}>
            Log in
          </Button>
          {oidc && <Anchor href="/api/v1/session/oidc">Log in at your provider</Anchor>}
        </Stack>
      </form>
    </Container>
  );
}
