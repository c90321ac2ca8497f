import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingNames } from '#patch';

const messages: Readonly<Record<string, readonly string[]>> = {
  'net/packet/af_packet.c:343:35: error: ‘PACKET_SOCK_RUNNING’ undeclared (first use in this function); did you mean ‘PACKET_SOCK_AUXDATA’?':
    ['PACKET_SOCK_RUNNING'],
  'drivers/hid/hid-core.c:1992:5: error: conflicting types for ‘hid_report_raw_event’; have ‘int(struct hid_device *, size_t)’':
    ['hid_report_raw_event'],
  "a.c:1:1: error: implicit declaration of function 'new_helper' [-Werror=implicit-function-declaration]": [
    'new_helper',
  ],
  'a.c:1:1: error: ‘struct sock’ has no member named ‘sk_bind_phc’': ['sk_bind_phc'],
  'a.c:1:1: error: too few arguments to function ‘call_it’': ['call_it'],
  "a.c:1:9: error: use of undeclared identifier 'NEW_FLAG'": ['NEW_FLAG'],
  "a.c:1:9: error: no member named 'gone' in 'struct thing'": ['gone'],
  "a.c:1:9: error: call to undeclared function 'kfree_later'; ISO C99 and later do not support": ['kfree_later'],
  'a.c:1:1: error: unknown type name ‘new_t’': ['new_t'],
  'a.c:1:1: error: invalid use of undefined type ‘struct late *’': ['late'],
  'a.c:1:1: warning: ‘only_warned’ undeclared': [],
  'a.c:1:1: error: expected ‘;’ before ‘}’ token': [],
  'make: *** [x] Error 1': [],
};

for (const [text, names] of Object.entries(messages))
  test(text.slice(0, 70), () => assert.deepEqual(missingNames(text), names));

test('each name once, in the order of the compiler, and not without end', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `x.c:1:1: error: ‘NAME_${i >> 1}’ undeclared`);
  assert.deepEqual(missingNames(lines.join('\n')), [
    'NAME_0',
    'NAME_1',
    'NAME_2',
    'NAME_3',
    'NAME_4',
    'NAME_5',
    'NAME_6',
    'NAME_7',
  ]);
});
