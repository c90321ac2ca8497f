import { Button, Group, Kbd, Stack, Switch, Text } from '@mantine/core';
import { Dialog } from '../parts/dialog.tsx';
import { pages } from './pages.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['?', 'this help'],
  ['↓ ↑', 'next and previous line of a list'],
  ['Esc', 'close'],
  ...pages.map(({ key, label }) => [`g ${key}`, label] as const),
];

/** Which keys there are, and the switch for those that are single letters. */
export function Help({
  opened,
  close,
  keys: [on, setOn],
}: {
  readonly opened: boolean;
  readonly close: () => void;
  readonly keys: readonly [boolean, (on: boolean) => void];
}) {
  return (
    <Dialog name="Keys" opened={opened} close={close}>
      <Stack gap="xs">
        {KEYS.map(([key, what]) => (
          <Group key={key} justify="space-between">
            <Text size="sm">{what}</Text>
            <Kbd>{key}</Kbd>
          </Group>
        ))}
        <Switch
          label="Single keys do something"
          checked={on}
          onChange={(event) => setOn(event.currentTarget.checked)}
          mt="sm"
        />
      </Stack>
      <Button variant="default" onClick={close}>
        Close
      </Button>
    </Dialog>
  );
}
