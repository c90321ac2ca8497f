/** Bits of the error code of a page fault (arch/x86/include/asm/trap_pf.h, x86_pf_error_code). */
const PAGE_FAULT: readonly (readonly [bit: number, set: string, clear: string | null])[] = [
  [0, 'the page forbids it', 'no page is mapped there'],
  [1, 'a write', 'a read'],
  [2, 'in user mode', 'in kernel mode'],
  [3, 'a reserved bit is set in the page table', null],
  [4, 'an instruction fetch', null],
  [5, 'a protection key forbids it', null],
  [6, 'of the shadow stack', null],
  [15, 'the enclave (SGX) forbids it', null],
  [31, 'the reverse map table (SEV-SNP) forbids it', null],
];

/** `0002`, in hexadecimal, of a page fault on x86. */
export function pageFaultWords(code: string): string {
  const value = BigInt(`0x${code}`);
  return PAGE_FAULT.flatMap(([bit, set, clear]) => {
    const word = ((value >> BigInt(bit)) & 1n) === 1n ? set : clear;
    return word === null ? [] : [word];
  }).join(', ');
}

/** Exception classes of arm64 that a kernel dies of (ESR_ELx.EC, arch/arm64/include/asm/esr.h). */
const CLASSES: Readonly<Record<number, string>> = {
  0x00: 'unknown reason (an undefined instruction)',
  0x0d: 'branch target exception',
  0x0e: 'illegal execution state',
  0x1c: 'pointer authentication failed',
  0x21: 'instruction fetch in kernel mode',
  0x22: 'the program counter is not aligned',
  0x25: 'data access in kernel mode',
  0x26: 'the stack pointer is not aligned',
  0x2f: 'SError, an error that came late',
  0x3c: 'breakpoint instruction (BRK: BUG, WARN or a sanitizer)',
};
const DATA_ACCESS = 0x25;
const WRITE_BIT = 6n;

/** `96000006`, in hexadecimal: the exception syndrome of arm64. */
export function syndromeWords(code: string): string {
  const value = BigInt(`0x${code}`);
  const kind = Number((value >> 26n) & 0x3fn);
  const words = CLASSES[kind] ?? `exception class 0x${kind.toString(16)}`;
  if (kind !== DATA_ACCESS) return words;
  return `${words}, a ${((value >> WRITE_BIT) & 1n) === 1n ? 'write' : 'read'}`;
}

/** `Oops: 0002 [#1] SMP` and its relatives: code, count since boot, options of the kernel. */
export function oopsWords(text: string, isPageFault: boolean): string | null {
  const found = /^(?:Internal error: )?(.*?)(?:: |\s)(?:0x)?([0-9a-f]{4,16}) \[#(\d{1,6})\](.*)$/.exec(
    text.slice(0, 300),
  );
  if (found === null) return null;
  const [, , code = '', count = '', options = ''] = found;
  const meaning = code.length > 4 ? syndromeWords(code) : isPageFault ? pageFaultWords(code) : `error code ${code}`;
  const built = options.trim() === '' ? '' : `; the kernel is built with ${options.trim()}`;
  const first = count === '1' ? 'the first since boot' : `number ${count} since boot: the earlier ones matter more`;
  return `${meaning}; ${first}${built}`;
}
