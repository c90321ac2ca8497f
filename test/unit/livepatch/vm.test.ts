import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpio, requestLine, VmProtocol } from '#livepatch';

test('answers of the machine come out whole, however the line was cut into chunks', () => {
  const result = fc.record({ id: fc.nat(1_000_000), exitCode: fc.nat(255), output: fc.string({ unit: 'binary' }) });
  fc.assert(
    fc.property(
      fc.array(result, { maxLength: 10 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      (results, cuts) => {
        const text = results
          .map(
            ({ id, exitCode, output }) => `noise\r\n=${id} ${exitCode} ${Buffer.from(output).toString('base64')}\r\n`,
          )
          .join('');
        const protocol = new VmProtocol();
        const got = [];
        for (let at = 0; at < text.length; ) {
          const size = cuts.next().value as number;
          got.push(...protocol.push(text.slice(at, at + size)));
          at += size;
        }
        const wanted = results.map((one) => ({
          kind: 'result',
          ...one,
          output: Buffer.from(one.output).toString('utf8'),
        }));
        assert.deepEqual(got, wanted);
      },
    ),
  );
});

test('a request is one line whatever the command holds', () => {
  fc.assert(
    fc.property(fc.string(), (command) => {
      const line = requestLine(7, command);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.equal(Buffer.from(line.slice(2), 'base64').toString('utf8'), command);
    }),
  );
});

test('the same entries give the same archive, with the folders they need', () => {
  const entries = [
    { path: '/a/b/c', mode: 0o644, content: Buffer.from('x') },
    { path: 'l', link: 'a/b/c' },
  ] as const;
  const bytes = cpio(entries);
  assert.deepEqual(bytes, cpio(entries));
  assert.equal(bytes.length % 4, 0);
  const names = [...bytes.toString('latin1').matchAll(/070701[0-9a-f]{104}([^\0]+)\0/g)].map((match) => match[1]);
  assert.deepEqual(names, ['a', 'a/b', 'a/b/c', 'l', 'TRAILER!!!']);
});
