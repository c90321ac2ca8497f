import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isQuiet, parseQuietHours } from '#domain';

test('quiet hours are of a time zone, and may go over midnight', () => {
  const night = parseQuietHours('22:00-06:00', 'Europe/Berlin')!;
  const at = (text: string): boolean => isQuiet(night, new Date(text));
  assert.equal(at('2026-01-10T20:59:00Z'), false);
  assert.equal(at('2026-01-10T21:00:00Z'), true);
  assert.equal(at('2026-01-11T04:59:59Z'), true);
  assert.equal(at('2026-01-11T05:00:00Z'), false);
  assert.equal(at('2026-07-10T20:00:00Z'), true, 'summer time is that of the zone');
  const noon = parseQuietHours('12:00-13:00', 'UTC')!;
  assert.equal(isQuiet(noon, new Date('2026-01-10T12:30:00Z')), true);
  assert.equal(isQuiet(noon, new Date('2026-01-10T13:00:00Z')), false);
});

test('what is no hours of a day, or no zone, is none', () => {
  for (const text of ['', '22-6', '22:00', '24:00-06:00', '06:60-07:00', '06:00-06:00', '22:00-06:00-07:00'])
    assert.equal(parseQuietHours(text, 'UTC'), undefined, text);
  assert.equal(parseQuietHours('22:00-06:00', 'Mars/Olympus'), undefined);
});
