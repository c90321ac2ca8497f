export { CallerStreams } from './callers.ts';
export type { LogLine, Transport } from './line.ts';
export { parseKernelLog } from './parse.ts';
export type { ReaderOptions } from './reader.ts';
export { LineReader } from './reader.ts';
export type { KernelLog, KernelReport, LivepatchEvent, ReportKind } from './report.ts';
