import { Modal, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A question or a help before the page. Without Mantine's own header, which would be a second banner of the page. */
export function Dialog({
  name,
  opened,
  close,
  children,
}: {
  readonly name: string;
  readonly opened: boolean;
  readonly close: () => void;
  readonly children: ReactNode;
}) {
  return (
    <Modal.Root opened={opened} onClose={close}>
      <Modal.Overlay />
      <Modal.Content aria-label={name}>
        <Modal.Body pt="md">
          <Stack>
            <Title order={2} size="h4">
              {name}
            </Title>
            {children}
          </Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
