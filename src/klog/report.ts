/** What a report of the kernel is about. */
export type ReportKind =
  | 'oops'
  | 'page-fault'
  | 'general-protection'
  | 'bug'
  | 'warning'
  | 'kasan'
  | 'kmsan'
  | 'kcsan'
  | 'kfence'
  | 'ubsan'
  | 'lockdep'
  | 'atomic-sleep'
  | 'hung-task'
  | 'soft-lockup'
  | 'hard-lockup'
  | 'rcu-stall'
  | 'refcount'
  | 'memory-leak'
  | 'list-corruption'
  | 'slab-corruption'
  | 'panic'
  | 'module-refused'
  | 'other';

/** `fatal`: the machine or the task is lost; `error`: memory or locks may be; `warning`: something is not as it should be. */
export type Severity = 'fatal' | 'error' | 'warning';

/** One line of a call trace. */
export interface TraceFrame {
  readonly function: string;
  readonly offset: number | null;
  readonly size: number | null;
  /** Name of the module in brackets; null for the kernel itself. */
  readonly module: string | null;
  /** Marked `?`: an address found on the stack that the unwinder did not vouch for. */
  readonly unsure: boolean;
  /** Inlined into the next frame (symbolised traces). */
  readonly inline: boolean;
  /** `net/core/dev.c:123`, in symbolised traces. */
  readonly file: string | null;
}

/** A letter of the taint list and what it says (Documentation/admin-guide/tainted-kernels.rst). */
export interface Taint {
  readonly letter: string;
  readonly meaning: string;
}

/** A module of `Modules linked in:`; state `+` being loaded, `-` being unloaded, and its taint letters. */
export interface LinkedModule {
  readonly name: string;
  readonly state: 'live' | 'coming' | 'going';
  readonly taints: string;
}

/** One report of the kernel: something went wrong. */
export interface KernelReport {
  readonly kind: ReportKind;
  readonly severity: Severity;
  /** In the community's customary form: `KASAN: use-after-free Read in snd_seq_queue_alloc`. */
  readonly title: string;
  /** Other titles that are customary for the same. */
  readonly alternatives: readonly string[];
  /** The guilty frame: the function that the title names, or would; null where none can be said. */
  readonly function: string | null;
  /** Its module; null: the kernel's own code, or not said. */
  readonly module: string | null;
  /** Its source file, where the report says one. */
  readonly file: string | null;
  /** Call traces, one after the other, in the order printed. */
  readonly trace: readonly TraceFrame[];
  /** Faulting instruction: function, offset and module of `RIP:`, `pc :`, `NIP`, `epc :`, `PSW`; null without one. */
  readonly instruction: TraceFrame | null;
  readonly cpu: number | null;
  readonly pid: number | null;
  /** Name of the task, as the kernel printed it: any user may choose it. */
  readonly task: string | null;
  /** Version and build of the kernel that printed it, from the CPU line. */
  readonly release: string | null;
  readonly taints: readonly Taint[];
  readonly modules: readonly LinkedModule[];
  /** Registers by name, where the report gives them. */
  readonly registers: ReadonlyMap<string, string>;
  /** Lines of the input, from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Seconds since boot of its first line; null where not said. */
  readonly time: number | null;
  /** Cut off, or mixed with others beyond repair: titles then end in `in corrupted` where the frame is lost. */
  readonly corrupted: boolean;
  /** Stable across hosts, offsets, addresses, PIDs and CPUs. */
  readonly key: string;
}
