export { CallerStreams } from './callers.ts';
export type { LogLine, Transport } from './line.ts';
export { type KernelLog, KernelLogParser, type ParserOptions, parseKernelLog } from './parser.ts';
export type { ReaderOptions } from './reader.ts';
export { LineReader } from './reader.ts';
export type { KernelReport, LinkedModule, ReportKind, Severity, Taint, TraceFrame } from './report.ts';
export type { LivepatchEvent, LivepatchStep } from './reports/index.ts';
