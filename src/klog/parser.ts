import { encodeText } from './bytes.ts';
import type { LogLine, Transport } from './line.ts';
import { LineReader } from './reader.ts';
import type { KernelReport } from './report.ts';
import { type LivepatchEvent, ReportGatherer, refusalTexts, type Sink, startTexts } from './reports/index.ts';

/** Lines that matter: those that begin a report, and those that tell of livepatches or go on with a stall. */
export const logStarts: readonly string[] = [...startTexts, ...refusalTexts, 'livepatch: ', 'NMI backtrace for cpu '];

export interface ParserOptions extends Sink {
  /** Given, or told from the first lines. */
  readonly transport?: Transport;
}

/**
 * A kernel log, as a stream of bytes in any pieces, to what it tells: reports, each once its last line is in, and messages of
 * livepatching. Pure; linear in time; memory does not grow with the log. Nothing throws on any bytes.
 */
export class KernelLogParser {
  readonly #reader: LineReader;
  readonly #gatherer: ReportGatherer;

  constructor(options: ParserOptions) {
    const { transport } = options;
    this.#gatherer = new ReportGatherer(options);
    this.#reader = new LineReader({
      starts: logStarts,
      ...(transport === undefined ? {} : { transport }),
      onLine: (line) => this.#take(line),
    });
  }

  /** Lines so far of which only the first 64 KiB were read. */
  get cut(): number {
    return this.#reader.cut;
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** A live stream pauses: whole lines that are held back are read now. */
  flush(): void {
    this.#reader.flush();
  }

  end(): void {
    this.#reader.end();
    this.#gatherer.end();
  }

  #take(line: LogLine): boolean {
    this.#gatherer.push(line);
    return this.#gatherer.isGathering;
  }
}

/** What a whole log tells. */
export interface KernelLog {
  readonly reports: readonly KernelReport[];
  readonly livepatch: readonly LivepatchEvent[];
  /** Lines of which only the first 64 KiB were read. */
  readonly cut: number;
}

/** Reads a log that is at hand as a whole. */
export function parseKernelLog(log: string | Uint8Array, transport?: Transport): KernelLog {
  const reports: KernelReport[] = [];
  const livepatch: LivepatchEvent[] = [];
  const sink: Sink = { report: (report) => reports.push(report), event: (event) => livepatch.push(event) };
  const parser = new KernelLogParser({ ...sink, ...(transport === undefined ? {} : { transport }) });
  parser.push(typeof log === 'string' ? encodeText(log) : log);
  parser.end();
  return { reports, livepatch, cut: parser.cut };
}
