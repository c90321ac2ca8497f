export { parseKernelLog } from './parse.ts';
export type { KernelLog, KernelReport, LivepatchEvent, ReportKind } from './report.ts';
