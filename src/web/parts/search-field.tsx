import { Kbd, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef } from 'react';

const DELAY_MS = 150;

/** Search as you type; the key `/` comes here. */
export function SearchField({
  label,
  value,
  onSearch,
}: {
  readonly label: string;
  readonly value: string;
  readonly onSearch: (text: string) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  const search = useDebouncedCallback(onSearch, DELAY_MS);
  useEffect(() => {
    // A step back or a link changed the address: the field follows, unless somebody types in it.
    if (field.current !== null && field.current !== document.activeElement) field.current.value = value;
  }, [value]);
  return (
    <TextInput
      ref={field}
      type="search"
      data-search
      aria-label={label}
      placeholder={label}
      defaultValue={value}
      onChange={(event) => search(event.currentTarget.value)}
      rightSection={<Kbd aria-hidden>/</Kbd>}
      style={{ flex: '1 1 16rem' }}
    />
  );
}
