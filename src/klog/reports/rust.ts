/**
 * The part of Rust's v0 mangling (RFC 2603) that names a function of the kernel: crates, nested names and methods of a type.
 * `_RNvMs3_NtC…11rust_binder7processNtB5_7Process10update_ref` is `<rust_binder::process::Process>::update_ref`. Names with
 * generic arguments, closures and traits are left as printed: a wrong name is worse than a long one.
 */
export function demangle(name: string): string {
  if (!name.startsWith('_R') || name.length > 400) return name;
  const reader = new Reader(name.slice(2));
  const path = reader.path(0);
  return path === null ? name : path;
}

const DEPTH_MAX = 32;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  path(depth: number): string | null {
    if (depth > DEPTH_MAX) return null;
    const tag = this.#text[this.#at];
    this.#at += 1;
    switch (tag) {
      case 'C':
        return this.#crate();
      case 'N':
        return this.#nested(depth);
      case 'M':
        return this.#method(depth);
      case 'B':
        return this.#back(depth);
      default:
        return null;
    }
  }

  #crate(): string | null {
    this.#disambiguator();
    return this.#identifier();
  }

  #nested(depth: number): string | null {
    const space = this.#text[this.#at];
    this.#at += 1;
    if (space !== 'v' && space !== 't') return null;
    const outer = this.path(depth + 1);
    this.#disambiguator();
    const inner = this.#identifier();
    return outer === null || inner === null ? null : `${outer}::${inner}`;
  }

  /** An impl: where it stands, which is not named, and the type, which is. */
  #method(depth: number): string | null {
    this.#disambiguator();
    if (this.path(depth + 1) === null) return null;
    const type = this.path(depth + 1);
    return type === null ? null : `<${type}>`;
  }

  #back(depth: number): string | null {
    const target = this.#base62();
    if (target === null || target >= this.#at) return null;
    const here = this.#at;
    this.#at = target;
    const path = this.path(depth + 1);
    this.#at = here;
    return path;
  }

  #disambiguator(): void {
    if (this.#text[this.#at] !== 's') return;
    this.#at += 1;
    this.#base62();
  }

  #base62(): number | null {
    const end = this.#text.indexOf('_', this.#at);
    if (end < 0 || end - this.#at > 12) return null;
    const digits = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    if (digits === '') return 0;
    let value = 0;
    for (const digit of digits) {
      const place = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(digit);
      if (place < 0) return null;
      value = value * 62 + place;
    }
    return value + 1;
  }

  #identifier(): string | null {
    const found = /^(\d{1,3})_?/.exec(this.#text.slice(this.#at, this.#at + 4));
    if (found === null) return null;
    const length = Number(found[1]);
    const start = this.#at + found[0].length;
    this.#at = start + length;
    return this.#at > this.#text.length ? null : this.#text.slice(start, this.#at);
  }
}
