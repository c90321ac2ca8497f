import { countLines, lineEnd, nextLine, textOf } from '../bytes.ts';
import { cleaned } from '../clean.ts';
import type { Transport } from '../line.ts';
import type { Block } from '../split.ts';
import type { LineDecoder } from './decoded.ts';
import { decoderOf, detect, WINDOW } from './detect.ts';
import { isDump, PstoreOrder } from './pstore.ts';

/** So much of a line is enough to see its transport. */
const LOOK_BYTES = 512;

/**
 * The beginning of a stream: holds the first lines back until they say what the stream is, then lets everything through,
 * a dump of pstore in its order. A transport that needs no window goes through at once.
 */
export class Opening {
  readonly #transport: Transport | undefined;
  readonly #decide: (decoder: LineDecoder) => void;
  readonly #emit: (block: Block) => void;
  #held: Block[] | null;
  #window: string[] = [];
  #order: PstoreOrder | null = null;

  constructor(transport: Transport | undefined, decide: (decoder: LineDecoder) => void, emit: (block: Block) => void) {
    this.#transport = transport;
    this.#decide = decide;
    this.#emit = emit;
    this.#held = decoderOf(transport) === undefined ? [] : null;
  }

  push(block: Block): void {
    if (this.#held === null) return this.#pass(block);
    const kept = this.#look(block);
    if (kept > 0)
      this.#held.push({ ...block, bytes: block.bytes.slice(0, kept), count: countLines(block.bytes, 0, kept) });
    if (this.#window.length < WINDOW) return;
    const rest = block.bytes.subarray(kept);
    const first = block.line + countLines(block.bytes, 0, kept);
    this.#open();
    if (rest.length > 0) this.#pass({ bytes: rest, line: first, count: block.line + block.count - first });
  }

  /** Decides by what is there; nothing is held any longer, but for the parts of a dump. */
  flush(): void {
    if (this.#held !== null && this.#held.length > 0) this.#open();
  }

  end(): void {
    this.flush();
    this.#order?.end();
  }

  #pass(block: Block): void {
    if (this.#order === null) this.#emit(block);
    else this.#order.push(block);
  }

  #open(): void {
    const held = this.#held ?? [];
    this.#held = null;
    if (isDump(this.#window[0] ?? '')) this.#order = new PstoreOrder(this.#emit);
    this.#decide(detect(this.#window, this.#transport));
    this.#window = [];
    for (const block of held) this.#pass(block);
  }

  /** Takes lines of the block into the window; returns the length of those it had room for. */
  #look({ bytes }: Block): number {
    let at = 0;
    while (at < bytes.length && this.#window.length < WINDOW) {
      this.#window.push(cleaned(textOf(bytes, at, Math.min(lineEnd(bytes, at), at + LOOK_BYTES))));
      at = nextLine(bytes, at);
    }
    return at;
  }
}
