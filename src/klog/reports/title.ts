import type { Body, Step } from './body.ts';
import { customaryName, parseFrames, plainName } from './frames.ts';
import { isInnocent } from './innocent.ts';
import { withoutNumbers } from './key.ts';
import { stallFrame } from './stall.ts';
import type { Head, Source, Start } from './start.ts';

/** The word that stands for a frame that is lost. */
const LOST = 'corrupted';

export interface Guilt {
  readonly step: Step | null;
  /** The helper that gave the warning for another's fault (`usb_submit_urb`); titles name both. */
  readonly helper: string | null;
}

export interface Title {
  readonly title: string;
  readonly alternatives: readonly string[];
  readonly guilty: Guilt;
  /** The frame, or a word of the title, is lost. */
  readonly lost: boolean;
}

/** Reports that give a function's own frames without a heading (print_stack_trace of mm/kmsan, kernel/kcsan, mm/kfence). */
const BARE = new Set(['kmsan', 'kcsan', 'kfence', 'memory-leak']);
/** They warn of what a driver asks of them, and the driver is at fault (drivers/usb/core/urb.c). */
const HELPERS = new Set(['usb_submit_urb']);
/** What lies between the helper and the driver (drivers/usb/core/message.c). */
const HELPED = /^usb_(?:start_wait_urb|(?:internal_)?control_msg\w*|bulk_msg|interrupt_msg)$/;
/** The functions whose trace says that an interrupt takes the lock (print_lock_usage of kernel/locking/lockdep.c). */
const IN_INTERRUPT = /^(?:IN-|\.{2,3} +which became \S+-irq-safe )/;

function sure(step: Step): boolean {
  return !step.frame.unsure && !step.frame.inline;
}

function headFrame(head: Head): Step | null {
  const text = head.text.slice(head.start.text.length, 400);
  const at = /(?:\bin:? |\bat (?:\S+:\d+ )?)(?=[\w.<]+(?:\+0x| \(\S+:\d))/.exec(text);
  const frame = at === null ? undefined : parseFrames(text.slice(at.index + at[0].length))[0];
  if (frame !== undefined) return { frame, instruction: false, section: -1 };
  const word = /\bin:? ([\w.]+)/.exec(text)?.[1] ?? null;
  return word === null ? null : named(word);
}

function named(name: string): Step {
  const frame = { function: name, offset: null, size: null, module: null, unsure: false, inline: false, file: null };
  return { frame, instruction: false, section: -1 };
}

function candidates(source: Source, head: Head, body: Body): readonly Step[] {
  switch (source) {
    case 'instruction':
    case 'fault':
      return body.steps.filter((step) => step.instruction).slice(0, 1);
    case 'trace': {
      const bare = BARE.has(head.start.kind);
      return body.steps.filter(
        (step) =>
          sure(step) && (step.section < 0 ? bare || step.instruction : body.sections[step.section]?.main === true),
      );
    }
    case 'any':
      return body.steps.filter((step) => sure(step) && !step.instruction);
    case 'calls':
      return body.steps.filter((step) => sure(step) && !step.instruction && body.sections[step.section]?.main === true);
    case 'interrupt':
      return body.steps.filter((step) => IN_INTERRUPT.test(body.sections[step.section]?.heading ?? ''));
    case 'head':
    case 'named':
      return [headFrame(head)].filter((step) => step !== null);
    case 'lock':
      return body.lock === null ? [] : [{ frame: body.lock, instruction: false, section: -1 }];
    case 'caller':
      return body.caller === null ? [] : [named(body.caller)];
    default:
      return [stallFrame(body)].filter((step) => step !== null);
  }
}

/** Who is at fault: the first frame, in the order of the start's sources, that is not one of the never guilty. */
export function findGuilty(head: Head, body: Body): Guilt {
  let helper: string | null = null;
  for (const source of head.start.guilty) {
    if (body.mixed && source === 'trace') continue;
    for (const step of candidates(source, head, body)) {
      const name = plainName(step.frame.function);
      if (head.start.kind === 'warning' && HELPERS.has(name)) {
        helper = name;
        continue;
      }
      if (source === 'stall' || source === 'named') return { step, helper };
      if (isInnocent(head, step, source, name)) continue;
      if (head.start.skip?.test(name) === true || (helper !== null && HELPED.test(name))) continue;
      return { step, helper };
    }
  }
  return { step: null, helper };
}

function fill(head: Head, body: Body, frame: string): string | null {
  let lost = false;
  const filled = head.start.title.replace(/\{(\w+)\}/g, (_, key: string) => {
    if (key === 'frame') return frame;
    if (key === 'rest') return withoutNumbers(head.text.slice(head.start.text.length, 400), false).slice(0, 120);
    if (key === 'next') return (body.next ?? '').trim().slice(0, 120);
    if (key === 'pair') return pair(head);
    if (key === 'access') {
      lost ||= body.access === null;
      return body.access ?? '';
    }
    return head.groups[Number(key) - 1] ?? '';
  });
  return lost ? null : filled;
}

/** `a / b`: two functions that race, in the order of the alphabet, as newer kernels print them. */
function pair(head: Head): string {
  const names = head.groups.slice(1, 3).map((name) => name.replace(/\+0x.*$/, ''));
  const [first = LOST, second = LOST] = names.toSorted();
  return `${first} / ${second}`;
}

function generic(head: Head): string {
  return `${head.start.text}${withoutNumbers(head.text.slice(head.start.text.length, 400), false)}`
    .replace(/^BUG: (K\w+SAN)/, '$1')
    .slice(0, 160);
}

/** The title in the community's customary form (syzkaller's pkg/report, described in its docs/syzbot.md). */
export function makeTitle(head: Head, body: Body): Title {
  const guilty = findGuilty(head, body);
  const raw = guilty.step === null ? LOST : plainName(guilty.step.frame.function);
  const suffix = guilty.helper === null ? '' : `/${guilty.helper}`;
  const names = [...new Set([customaryName(raw), raw])].map((name) => `${name}${suffix}`);
  const titles = names.map((name) => fill(head, body, name));
  const { class: kind } = head.start;
  const also = kind === undefined ? [] : names.map((name) => `${kind} in ${name}`);
  const lost = guilty.step === null && head.start.title.startsWith('possible deadlock');
  const title = (lost ? null : titles[0]) ?? generic(head);
  const wanted = head.start.guilty.length > 0 && head.start.title.includes('{frame}');
  return {
    title,
    alternatives: [...new Set([...titles.slice(1).filter((text) => text !== null), ...also])].filter(
      (text) => text !== title,
    ),
    guilty,
    lost: (wanted && guilty.step === null) || titles[0] === null,
  };
}

export type { Start };
