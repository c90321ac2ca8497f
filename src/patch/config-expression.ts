import { tokensOf } from './expression-tokens.ts';

/** Symbol → value as written in the configuration (`y`, `m`, `"text"`, `123`); symbols that are not set are absent. */
export type ConfigValues = ReadonlyMap<string, string>;

/** What conditions are held against. */
export interface ConditionSetting {
  readonly config: ConfigValues;
  /** Is `MODULE` defined, as it is for code of a module (Makefile, KBUILD_CFLAGS_MODULE)? Null: not known. */
  readonly module: boolean | null;
}

/** A number where it is known for every value of what is not; null otherwise. */
type Value = number | null;

/** Above it, arithmetic of the preprocessor (64 bits, signed or not) may differ from that of numbers here. */
const MAX_NUMBER = 2 ** 51;
const MAX_DEPTH = 60;

/** As binary operators bind in C (C11 6.5.5 to 6.5.14), the weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/**
 * Value of a condition of the preprocessor (C11 6.10.1), with three values: true or false only when it is so whatever
 * the names mean that are no CONFIG_ symbols; null when it depends on them, or cannot be read.
 *
 * A name that is a macro may stand for text that binds weaker than what is around it (`0 || 1`), so that a bare one
 * takes everything with it up to the next parenthesis. `lenient` leaves that out: for `if` of C, where nothing is
 * cleared by it.
 */
export function evaluate(text: string, setting: ConditionSetting, lenient = false): boolean | null {
  const tokens = tokensOf(text);
  if (tokens === null || tokens.length === 0) return null;
  const reader = new Reader(tokens, setting, lenient);
  const value = reader.whole();
  return value === null ? null : value !== 0;
}

class Reader {
  readonly #tokens: readonly string[];
  readonly #setting: ConditionSetting;
  readonly #lenient: boolean;
  #at = 0;
  #depth = 0;
  /** A bare name was met in this pair of parentheses. */
  #loose = false;
  #broken = false;

  constructor(tokens: readonly string[], setting: ConditionSetting, lenient: boolean) {
    this.#tokens = tokens;
    this.#setting = setting;
    this.#lenient = lenient;
  }

  whole(): Value {
    const value = this.#ternary();
    return this.#broken || this.#loose || this.#at < this.#tokens.length ? null : value;
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? '';
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #need(token: string): void {
    if (!this.#take(token)) this.#broken = true;
  }

  #ternary(): Value {
    const condition = this.#binary(0);
    if (!this.#take('?')) return condition;
    const yes = this.#nested(() => this.#ternary());
    this.#need(':');
    const no = this.#nested(() => this.#ternary());
    if (condition === null) return yes === no ? yes : null;
    return condition === 0 ? no : yes;
  }

  #binary(level: number): Value {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let value = this.#binary(level + 1);
    for (;;) {
      const operator = this.#tokens[this.#at];
      if (operator === undefined || !operators.includes(operator)) return value;
      this.#at += 1;
      value = combine(operator, value, this.#binary(level + 1));
    }
  }

  #unary(): Value {
    const operator = ['!', '-', '+', '~'].find((sign) => this.#take(sign));
    if (operator === undefined) return this.#primary();
    const value = this.#nested(() => this.#unary());
    if (value === null) return null;
    if (operator === '!') return value === 0 ? 1 : 0;
    return operator === '+' ? value : operator === '-' ? -value : -value - 1;
  }

  /** Text of somebody else must not exhaust the stack. */
  #nested(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.#broken = true;
    const value = this.#broken ? null : read();
    this.#depth -= 1;
    return value;
  }

  #primary(): Value {
    const token = this.#next();
    if (token === '(') return this.#group();
    if (/^\d/.test(token)) return numberOf(token);
    if (!/^[A-Za-z_]/.test(token)) {
      this.#broken = true;
      return null;
    }
    if (token === 'defined') return this.#defined();
    if (OPTIONS.has(token)) return this.#option(token);
    const isCall = this.#tokens[this.#at] === '(';
    if (isCall) this.#skipCall();
    if (token.startsWith('CONFIG_') && !isCall) return this.#valueOf(token.slice('CONFIG_'.length));
    // Operators of the compiler are no macros: what they stand for is one number.
    if (!token.startsWith('__has_') && !this.#lenient) this.#loose = true;
    return null;
  }

  #group(): Value {
    const outside = this.#loose;
    this.#loose = false;
    const value = this.#nested(() => this.#ternary());
    this.#need(')');
    const inside = this.#loose;
    this.#loose = outside;
    return inside ? null : value;
  }

  #skipCall(): void {
    let open = 0;
    do {
      const token = this.#next();
      if (token === '') this.#broken = true;
      open += token === '(' ? 1 : token === ')' ? -1 : 0;
    } while (open > 0 && !this.#broken);
  }

  #defined(): Value {
    const isGroup = this.#take('(');
    const name = this.#next();
    if (isGroup) this.#need(')');
    const { config, module } = this.#setting;
    if (!/^[A-Za-z_]\w*$/.test(name)) this.#broken = true;
    if (name === 'MODULE') return module === null ? null : Number(module);
    return name.startsWith('CONFIG_') ? Number(isDefined(config, name.slice('CONFIG_'.length))) : null;
  }

  /** include/linux/kconfig.h: IS_BUILTIN is `y`, IS_MODULE is `m`, IS_ENABLED either, IS_REACHABLE depends on MODULE. */
  #option(macro: string): Value {
    this.#need('(');
    const name = this.#next();
    this.#need(')');
    const { config, module } = this.#setting;
    if (!name.startsWith('CONFIG_')) return null;
    const value = config.get(name.slice('CONFIG_'.length));
    if (value?.startsWith('"') === true) return null;
    const [isBuiltIn, isModule] = [value === 'y' || value === '1', value === 'm'];
    if (macro === 'IS_BUILTIN') return Number(isBuiltIn);
    if (macro === 'IS_MODULE') return Number(isModule);
    if (macro === 'IS_ENABLED') return Number(isBuiltIn || isModule);
    if (!isModule) return Number(isBuiltIn);
    return module === null ? null : Number(module);
  }

  /** As scripts/kconfig writes it into autoconf.h: `y` is 1, `m` and "not set" define nothing, which is 0 here. */
  #valueOf(symbol: string): Value {
    const { config } = this.#setting;
    const value = config.get(symbol);
    if (value === undefined) return Number(isDefined(config, symbol));
    if (value === 'y') return 1;
    if (value === 'm') return 0;
    const digits = /^(-?)(0x[0-9a-fA-F]+|\d+)$/.exec(value);
    const number = digits === null ? null : numberOf(digits[2]!);
    return number === null ? null : digits![1] === '-' ? -number : number;
  }
}

const OPTIONS: ReadonlySet<string> = new Set(['IS_ENABLED', 'IS_BUILTIN', 'IS_MODULE', 'IS_REACHABLE']);

/** A tristate that is `m` defines CONFIG_X_MODULE instead of CONFIG_X. */
function isDefined(config: ConfigValues, symbol: string): boolean {
  const value = config.get(symbol);
  if (value !== undefined && value !== 'm') return true;
  return symbol.endsWith('_MODULE') && config.get(symbol.slice(0, -'_MODULE'.length)) === 'm';
}

/** Null for what is no whole number, and for unsigned or very large ones, which the preprocessor counts another way. */
function numberOf(text: string): Value {
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9]\d*)[lL]{0,2}$/.exec(text);
  if (match === null) return null;
  const digits = match[1]!;
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return value <= MAX_NUMBER ? value : null;
}

function combine(operator: string, a: Value, b: Value): Value {
  if (operator === '&&') return a === 0 || b === 0 ? 0 : a === null || b === null ? null : 1;
  if (operator === '||') return (a !== null && a !== 0) || (b !== null && b !== 0) ? 1 : a === 0 && b === 0 ? 0 : null;
  if (a === null || b === null) return null;
  const result = arithmetic(operator, a, b);
  return result !== null && Math.abs(result) <= MAX_NUMBER ? result : null;
}

function arithmetic(operator: string, a: number, b: number): Value {
  switch (operator) {
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '<':
      return Number(a < b);
    case '>':
      return Number(a > b);
    case '<=':
      return Number(a <= b);
    case '>=':
      return Number(a >= b);
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? null : Math.trunc(a / b) + 0;
    case '%':
      return b === 0 ? null : (a % b) + 0;
    default:
      return bits(operator, a, b);
  }
}

function bits(operator: string, a: number, b: number): Value {
  const [x, y] = [BigInt(a), BigInt(b)];
  if (operator === '&') return Number(x & y);
  if (operator === '|') return Number(x | y);
  if (operator === '^') return Number(x ^ y);
  if (b < 0 || b > 62 || a < 0) return null;
  return Number(operator === '<<' ? x << y : x >> y);
}
