import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachOf } from '#host';

const PRIVATE = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '255.255.255.255'],
  ...['::', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '100::1', 'fc00::1', 'fd12::1'],
  ...['fe80::1', 'fe80::1%eth0', 'ff02::1', '2001:db8::1', '2001::1', '2002:7f00:1::', '3fff::1', '4000::1'],
  ...['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '[::1]'],
];

test('only what the registries leave is public; what is no address is not', () => {
  for (const address of PRIVATE) assert.equal(reachOf(address), 'private', address);
  for (const address of [
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '223.255.255.1',
    '2606:4700::1111',
    '2a00::1',
  ])
    assert.equal(reachOf(address), 'public', address);
  for (const address of ['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1'])
    assert.equal(reachOf(address), 'loopback', address);
});
