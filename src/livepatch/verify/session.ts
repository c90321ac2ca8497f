import type { GateCheck } from '#domain';
import type { Clock } from '#host';
import type { Machine } from '../vm/machine.ts';

/** What is known of a machine before any livepatch is in it. */
export interface BootFindings {
  readonly checks: readonly GateCheck[];
  /** Kinds of the workload that fail without a livepatch. */
  readonly broken: ReadonlySet<string>;
  /** Keys of what it reports without one. */
  readonly reports: ReadonlySet<string>;
}

export interface SessionOptions {
  boot(): Promise<Machine>;
  look(machine: Machine): Promise<BootFindings>;
  readonly clock: Clock;
}

/** A machine that is booted when it is first needed, and again after it was dropped. */
export class Session {
  readonly #options: SessionOptions;
  #machine: Machine | undefined;
  #findings: BootFindings | undefined;
  #marks = 0;
  accelerator = 'none';
  /** Of all boots so far, with the look at each. */
  bootSeconds = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#machine !== undefined;
  }

  /** Errors: those of `startMachine`. */
  async machine(): Promise<{ readonly machine: Machine; readonly findings: BootFindings }> {
    if (this.#machine === undefined || this.#findings === undefined) {
      const started = this.#options.clock.monotonicMs();
      this.#machine = await this.#options.boot();
      this.accelerator = this.#machine.accelerator;
      this.#findings = await this.#options.look(this.#machine);
      this.bootSeconds += (this.#options.clock.monotonicMs() - started) / 1000;
    }
    return { machine: this.#machine, findings: this.#findings };
  }

  /** Cuts the log: `log` gives what the kernel prints from here on. */
  async cut(): Promise<void> {
    const { machine } = await this.machine();
    this.#marks += 1;
    await machine.run(`echo '${this.#mark()}' >/dev/kmsg`);
  }

  /** The log since the last cut; all of it where the cut is not in it. */
  async log(): Promise<string> {
    const text = (await this.#machine?.console()) ?? '';
    const at = text.lastIndexOf(this.#mark());
    return at < 0 ? text : text.slice(text.indexOf('\n', at) + 1);
  }

  async drop(): Promise<void> {
    await this.#machine?.stop();
    this.#machine = undefined;
    this.#findings = undefined;
  }

  #mark(): string {
    return `tuxtape: proof ${this.#marks} begins`;
  }
}
