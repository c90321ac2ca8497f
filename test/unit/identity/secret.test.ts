import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#domain';
import {
  csrfWord,
  hashPassword,
  isPassword,
  isSecret,
  isToken,
  newSecret,
  newToken,
  sameWord,
  secretHash,
  waitAfter,
} from '#identity';

const GOOD = 'correct horse battery';

test('a password is kept as argon2id with 19 MiB and two passes, each with its own salt', async () => {
  const [one, two] = [await hashPassword(GOOD, 'jane'), await hashPassword(GOOD, 'jane')];
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(one, two);
  assert.ok(await isPassword(one, GOOD));
  assert.ok(!(await isPassword(one, `${GOOD} `)));
  assert.ok(!(await isPassword(null, GOOD)), 'nobody');
  assert.ok(!(await isPassword('no hash', GOOD)), 'a damaged row lets nobody in');
});

test('the same characters from another keyboard are the same password', async () => {
  assert.ok(await isPassword(await hashPassword('zwölf Zeichen sind es', 'jo'), 'zwo\u0308lf Zeichen sind es'));
});

test('short, endless and guessable passwords are refused', async () => {
  for (const password of [
    '',
    'eleven char',
    'x'.repeat(129),
    'aaaaaaaaaaaaaaaa',
    'janejanejanejane',
    'abababababababab',
  ])
    await assert.rejects(hashPassword(password, 'jane'), (error) => hasCode(error, 'password-refused'), password);
  await hashPassword('🐧🐢🐍🐁🐀🐂🐅🐇🐉🐎🐏🐓', 'jane');
});

test('secrets and tokens are random, of one form, and hashed to something else', () => {
  assert.ok(isSecret(newSecret()) && isToken(newToken()));
  assert.notEqual(newToken(), newToken());
  for (const text of ['', 'ttx_', `ttx_${'a'.repeat(42)}`, `ttx_${'a'.repeat(44)}`, `${newToken()}\n`, newSecret()])
    assert.ok(!isToken(text), text);
  const secret = newSecret();
  assert.match(secretHash(secret), /^[0-9a-f]{64}$/);
  assert.notEqual(csrfWord(secret), csrfWord(newSecret()));
  assert.ok(sameWord(csrfWord(secret), csrfWord(secret)) && !sameWord('a', 'ab'));
});

test('wrong passwords cost waiting, which doubles and ends at a quarter of an hour', () => {
  assert.deepEqual([0, 1, 5, 6, 7, 8, 16, 1_000].map(waitAfter), [0, 0, 0, 1, 2, 4, 900, 900]);
});
