/**
 * Ordinary kernel log from bytes to no report, by transport: MB/s and peak memory, beside `grep -cE` with the same
 * alternatives over the same file in the same run. Then the ways to search a chunk, beside each other. Processor time is
 * that of the whole process, from its start.
 *
 *   node bench/klog.ts [MB]     200 MB a transport by default
 */
import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encoders, type Printed } from '../testkit/kernel-log.ts';
import { waysToSearch } from './klog/search.ts';
import { machine, measure, median, report, withFolder } from './measure.ts';

const RUNS = 3;
const MEGABYTES = Number(process.argv[2] ?? 200);
const BLOCK_RECORDS = 20_000;
/** Until the report half exports its own. */
const STARTS = [
  ...['BUG: ', 'BUG ', 'WARNING: ', 'INFO: ', 'Oops', 'kernel BUG at', 'Kernel BUG at', 'Kernel panic', 'UBSAN: '],
  ...['general protection fault', 'Unable to handle', 'Internal error: ', 'divide error: ', 'invalid opcode: '],
  ...['stack segment', 'double fault', 'unreferenced object', 'list_add corruption', 'list_del corruption'],
  ...['refcount_t: ', 'hard LOCKUP', 'soft lockup', 'detected stalls', 'unregister_netdevice: ', 'livepatch: '],
  ...['version magic', 'Unknown symbol', 'disagrees about version', 'Loading of ', 'stack guard page'],
];
const TRANSPORTS = [
  'console',
  'console without callers',
  'dmesg -x',
  'kmsg',
  'journal short',
  'journal json',
  'extended netconsole',
];

const READ = `
import { createReadStream } from 'node:fs';
import { LineReader } from '#klog';
const [file, starts] = process.argv.slice(1);
let lines = 0;
const reader = new LineReader({ starts: JSON.parse(starts), onLine: () => { lines += 1; return false; } });
for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) reader.push(chunk);
reader.end();
const { user, system } = process.cpuUsage();
console.log(lines, (user + system) / 1e6);`;

async function bench(folder: string): Promise<void> {
  console.log(`kernel logs, ${machine()}`);
  for (const name of TRANSPORTS) {
    const file = join(folder, 'log');
    writeLog(file, name);
    await compare(name, file);
    unlinkSync(file);
  }
  waysToSearch(STARTS, encoders.console!.encode(ordinary()));
}

async function compare(name: string, file: string): Promise<void> {
  const bytes = statSync(file).size;
  const pattern = STARTS.join('|');
  const grep = await median(RUNS, () => measure('grep', ['-cE', pattern, file], { LC_ALL: 'C' }));
  const read = await median(RUNS, () =>
    measure('node', ['--input-type=module', '-e', READ, file, JSON.stringify(STARTS)]),
  );
  const [lines, cpuSeconds] = read.stdout.trim().split(' ').map(Number) as [number, number];
  const rate = (seconds: number): string => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
  report(`${name}, ${(bytes / 1e6).toFixed(0)} MB, grep -cE`, grep);
  report(`${name}, ${lines} lines made, ${rate(read.seconds)}, ${rate(cpuSeconds)} of processor time`, read, {
    name: 'grep -cE',
    seconds: grep.seconds,
  });
}

/** The same lines again and again, and one report at the end, so that grep finds something. */
function writeLog(file: string, name: string): void {
  const { encode } = encoders[name]!;
  const block = Buffer.from(encode(ordinary()));
  const output = openSync(file, 'w');
  for (let size = 0; size < MEGABYTES * 1e6; size += block.length) writeSync(output, block);
  writeSync(output, encode([recordOf('BUG: KASAN: slab-use-after-free in sample_read+0x12/0x40', 1)]));
  closeSync(output);
}

function ordinary(): Printed[] {
  return Array.from({ length: BLOCK_RECORDS }, (_, i) => recordOf(LINES[i % LINES.length]!(i), i));
}

function recordOf(text: string, index: number): Printed {
  const program = index % 40 === 7 ? { identifier: 'systemd', pid: 1 } : null;
  return {
    text,
    microseconds: index * 7919,
    level: 6,
    caller: index % 3 === 0 ? `C${index % 64}` : `T${index}`,
    program,
  };
}

/** Lines of boot, of devices, of networks and file systems, in the kernel's manner. */
const LINES: readonly ((i: number) => string)[] = [
  (i) => `BIOS-e820: [mem 0x${(i * 4096).toString(16).padStart(16, '0')}-0x000000007fffffff] usable`,
  (i) => `ACPI: SSDT 0x${(i * 977).toString(16).padStart(16, '0')} 000A41 (v02 SAMPLE CpuSsdt  00003000 INTL 20160527)`,
  (i) => `pci 0000:${(i % 256).toString(16).padStart(2, '0')}:1f.3: [8086:a348] type 00 class 0x040300`,
  (i) => `usb ${1 + (i % 4)}-${1 + (i % 7)}: New USB device found, idVendor=046d, idProduct=c534, bcdDevice=29.01`,
  (i) => `usb ${1 + (i % 4)}-${1 + (i % 7)}: new full-speed USB device number ${2 + (i % 90)} using xhci_hcd`,
  (i) => `EXT4-fs (nvme0n1p${i % 9}): mounted filesystem with ordered data mode. Quota mode: none.`,
  (i) =>
    `audit: type=1400 audit(1764026935.${i % 1000}:${i}): apparmor="STATUS" operation="profile_load" name="sample"`,
  (i) => `IPv6: ADDRCONF(NETDEV_CHANGE): veth${(i * 31).toString(16)}: link becomes ready`,
  (i) => `br-${(i * 7).toString(16)}: port ${i % 30}(veth${(i * 31).toString(16)}) entered forwarding state`,
  (i) => `[UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.${i % 255} DST=198.51.100.${i % 251} LEN=40 TTL=240 PROTO=TCP SPT=${i}`,
  (i) => `sd ${i % 8}:0:0:0: [sda] 3907029168 512-byte logical blocks: (2.00 TB/1.82 TiB)`,
  (i) => `nvme nvme0: ${i % 64}/0/0 default/read/poll queues`,
  (i) => `e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx (${i})`,
  (i) => `loop${i % 64}: detected capacity change from 0 to ${i * 8}`,
  () => 'Bluetooth: hci0: Waiting for firmware download to complete',
  (i) => `perf: interrupt took too long (${2500 + i} > 2500), lowering kernel.perf_event_max_sample_rate to 79000`,
];

await withFolder(bench);
