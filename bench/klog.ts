/**
 * Kernel log from bytes to reports: ordinary log, which ends with one, by transport, and a log in which every line is of a
 * report. MB/s and peak memory, beside `grep -cE` with the same alternatives over the same file in the same run. Then the
 * ways to search a chunk, beside each other. Processor time is that of the whole process, from its start.
 *
 *   node bench/klog.ts [MB]     200 MB a transport by default
 */
import { closeSync, openSync, statSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { logStarts } from '../src/klog/parser.ts';
import { encoders, type Printed } from '../testkit/kernel-log.ts';
import { pageFault, records } from '../testkit/sample-report.ts';
import { waysToSearch } from './klog/search.ts';
import { machine, measure, median, report, withFolder } from './measure.ts';

const RUNS = 3;
const MEGABYTES = Number(process.argv[2] ?? 200);
const BLOCK_RECORDS = 20_000;
const TRANSPORTS = [
  'console',
  'console without callers',
  'dmesg -x',
  'kmsg',
  'journal short',
  'journal json',
  'journal export',
  'journal json-pretty',
  'journal verbose',
  'extended netconsole',
];

const PARSE = `
import { createReadStream } from 'node:fs';
import { KernelLogParser } from '#klog';
let reports = 0;
const parser = new KernelLogParser({ report: () => { reports += 1; }, event: () => {} });
for await (const chunk of createReadStream(process.argv[1], { highWaterMark: 1 << 18 })) parser.push(chunk);
parser.end();
const { user, system } = process.cpuUsage();
console.log(reports, (user + system) / 1e6);`;
/** grep and its processor time, as the last line. */
const GREP = 'TIMEFORMAT="%U %S"; { time grep -cE -f "$1" "$2"; } 2>&1';

async function bench(folder: string): Promise<void> {
  console.log(`kernel logs, ${machine()}`);
  const patterns = join(folder, 'patterns');
  writeFileSync(patterns, `${logStarts.map((start) => start.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')}\n`);
  for (const name of TRANSPORTS) {
    const { encode } = encoders[name]!;
    await compare(`ordinary log, ${name}`, folder, patterns, [encode(ordinary()), encode(records(pageFault()))]);
  }
  for (const name of ['console', 'kmsg', 'journal json'])
    await compare(`every line in a report, ${name}`, folder, patterns, [encoders[name]!.encode(reports()), '']);
  waysToSearch(logStarts, encoders.console!.encode(ordinary()).toString());
}

/** The parser and grep over one file: `body` again and again, then `end`. */
async function compare(
  what: string,
  folder: string,
  patterns: string,
  text: readonly [Buffer, Buffer | string],
): Promise<void> {
  const file = join(folder, 'log');
  writeLog(file, text);
  const bytes = statSync(file).size;
  const rate = (seconds: number): string => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
  const grep = await median(RUNS, () => measure('bash', ['-c', GREP, '--', patterns, file], { LC_ALL: 'C' }));
  const parsed = await median(RUNS, () => measure('node', ['--input-type=module', '-e', PARSE, file]));
  unlinkSync(file);
  const grepCpu = grep.stdout
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ')
    .reduce((sum, part) => sum + Number(part), 0);
  const [count, cpu] = parsed.stdout.trim().split(' ').map(Number) as [number, number];
  const of = (seconds: number, processor: number): string => `${rate(seconds)}, ${rate(processor)} of processor time`;
  report(`${what}, ${(bytes / 1e6).toFixed(0)} MB, grep -cE: ${of(grep.seconds, grepCpu)}`, grep);
  report(`${what}, ${count} reports: ${of(parsed.seconds, cpu)}`, parsed, { name: 'grep -cE', seconds: grep.seconds });
}

function writeLog(file: string, [body, end]: readonly [Buffer, Buffer | string]): void {
  const output = openSync(file, 'w');
  for (let size = 0; size < MEGABYTES * 1e6; size += body.length) writeSync(output, body);
  writeSync(output, Buffer.from(end));
  closeSync(output);
}

/** Page faults of many processors, one after the other. */
function reports(): Printed[] {
  const frames = Array.from({ length: 24 }, (_, i) => (i % 5 === 4 ? `? stale_${i} [sample]` : `frame_${i}`));
  return Array.from({ length: 500 }, (_, i) => ({ pid: 100 + i, cpu: i % 64, seconds: i, frames })).flatMap((parts) =>
    records(pageFault(parts), parts),
  );
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
