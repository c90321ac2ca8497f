import { encodeText, textOf } from '../bytes.ts';
import type { LogLine, Transport } from '../line.ts';
import { LineReader } from '../reader.ts';
import type { KernelReport } from '../report.ts';
import { type LivepatchEvent, ReportGatherer } from '../reports/index.ts';
import { doubtOf } from './doubt.ts';
import { kindWords } from './kinds.ts';
import { explainLine } from './words.ts';

/** Lines kept until their report is whole, and letters of each: a report has at most 2,000 lines of 1 KiB. */
const LINES_MAX = 10_000;
const LETTERS_MAX = 1100;

/** A line of a report, and what it means; null: nothing beyond its words. */
export interface ExplainedLine {
  readonly number: number;
  readonly text: string;
  readonly words: string | null;
}

export interface ExplainerOptions {
  readonly transport?: Transport;
  /** A report with its lines; fewer than it had when more than 10,000 of the kernel's lay between its first and its last. */
  readonly report: (report: KernelReport, lines: readonly ExplainedLine[]) => void;
  readonly event: (event: LivepatchEvent) => void;
  /** A line with the words of a report that is none, and why. */
  readonly doubted?: (line: LogLine, why: string) => void;
}

/** Reports as `KernelLogParser` finds them, each with its lines in plain words. Every line is looked at: slower than that. */
export class LogExplainer {
  readonly #options: ExplainerOptions;
  readonly #reader: LineReader;
  readonly #gatherer: ReportGatherer;
  #lines: LogLine[] = [];

  constructor(options: ExplainerOptions) {
    this.#options = options;
    this.#gatherer = new ReportGatherer({
      report: (report) => options.report(report, this.#linesOf(report)),
      event: (event) => options.event(event),
    });
    this.#reader = new LineReader({
      starts: null,
      ...(options.transport === undefined ? {} : { transport: options.transport }),
      onLine: (line) => this.#take(line),
    });
  }

  push(chunk: Uint8Array | string): void {
    this.#reader.push(typeof chunk === 'string' ? encodeText(chunk) : chunk);
  }

  end(): void {
    this.#reader.end();
    this.#gatherer.end();
  }

  #take(line: LogLine): boolean {
    const gathering = this.#gatherer.isGathering;
    if (line.fromKernel) this.#keep(line);
    this.#gatherer.push(line);
    const { doubted } = this.#options;
    if (doubted !== undefined) {
      const why = doubtOf(line, { gathering, distrust: this.#reader.distrust });
      if (why !== null) doubted(line, why);
    }
    if (!this.#gatherer.isGathering) this.#lines = [];
    return true;
  }

  /** A slice of a long text would keep all of it in memory, so it is copied. */
  #keep(line: LogLine): void {
    const { text } = line;
    this.#lines.push(
      text.length > LETTERS_MAX ? { ...line, text: textOf(encodeText(text.slice(0, LETTERS_MAX))) } : line,
    );
    if (this.#lines.length > 2 * LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
  }

  /** By their order, which is not that of their numbers in a pstore dump. Those of the report's printer; a stall shows other processors, too. */
  #linesOf(report: KernelReport): readonly ExplainedLine[] {
    const from = this.#lines.findIndex(({ number }) => number === report.firstLine);
    const to = this.#lines.findLastIndex(({ number }) => number === report.lastLine);
    const own = this.#lines.slice(Math.max(0, from), to + 1);
    const caller = own[0]?.caller ?? null;
    const isStall = /lockup|stall|hung/.test(report.kind);
    return own
      .filter((line) => isStall || line.caller === caller)
      .map(({ number, text }) => ({
        number,
        text,
        words: explainLine(text, report) ?? (number === report.firstLine ? kindWords[report.kind] : null),
      }));
  }
}
