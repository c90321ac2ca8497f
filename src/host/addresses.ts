import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Where an address leads: `public` is what IANA's registries of special addresses (RFC 6890) leave. */
export type AddressReach = 'loopback' | 'private' | 'public';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

const special = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(net, bits);
/** Of IPv6 only global unicast is public, without what carries or stands for other addresses. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(net, bits, 'ipv6');

/** An IPv4 or IPv6 address, without brackets. What is neither is `private`: it is not let through. */
export function reachOf(address: string): AddressReach {
  if (isIPv4(address)) {
    if (loopback.check(address)) return 'loopback';
    return special.check(address) ? 'private' : 'public';
  }
  if (!isIPv6(address)) return 'private';
  if (loopback.check(address, 'ipv6') && !/^::ffff:/i.test(address)) return 'loopback';
  return global.check(address, 'ipv6') && !special.check(address, 'ipv6') ? 'public' : 'private';
}
