import { posix } from 'node:path';
import { Guards } from './conditions.ts';
import { expand, valueOfVariable } from './expand.ts';
import { emptyFacts, type Facts } from './facts.ts';
import { MAX_EXPANSION, MAX_INCLUDE_DEPTH, MAX_INCLUDES } from './limits.ts';
import { logicalLines } from './lines.ts';
import { bare, doubted, HOLE, isKnown, MAYBE, wordsOf } from './marks.ts';
import { type Mode, Scope, type Surroundings } from './scope.ts';
import { parseStatement, type Statement } from './statements.ts';

/** Text of a Makefile by its path, or undefined when there is none that may be read. */
type ReadMakefile = (path: string) => Promise<string | undefined>;

/** Made by the configuration, which is given: not there before a build. */
const CONFIGURATION = /(?:^|\/)(?:include\/config\/auto\.conf(?:\.cmd)?|\.kernelvariables)$/;
/** Lines made at run time that only set flags of one object. */
const HARMLESS_LINE =
  /\$[({]eval\s+(?:CFLAGS|AFLAGS|CPPFLAGS|LDFLAGS|OBJECT_FILES_NON_STANDARD|KASAN_SANITIZE|UBSAN_SANITIZE)_/g;
/** Left by an earlier build: names of headers for make, never a list. */
const DEPENDENCIES = /\.(?:d|cmd)\)?$/;
const MENTIONED = /(?:\.o|\/|\.dtbo?|\.lds|\.s)$/;
const SOURCE_END = /\.(?:c|S|rs|dts|dtso)(?![\w.-])/g;

export interface EvaluateOptions {
  readonly folder: string;
  readonly makefile: string;
  readonly surroundings: Surroundings;
  readonly read: ReadMakefile;
  /** Variables that are set before the first line. */
  readonly preset: ReadonlyMap<string, string>;
  /** Variables that no line changes. */
  readonly fixed?: ReadonlyMap<string, string>;
}

/** Reads one folder's Makefile with everything it includes. Never throws for what a Makefile says; it always ends. */
export async function evaluateMakefile(options: EvaluateOptions): Promise<Facts> {
  const scope = new Scope(options.surroundings, options.fixed);
  for (const [name, text] of options.preset) scope.set(name, { text, recursive: false }, 'live');
  const facts = emptyFacts(options.folder, scope);
  const reader = new Reader(facts, options.read);
  await reader.file(options.makefile, 0);
  if (options.surroundings.budget.left <= 0) facts.failed ??= 'too much work';
  return facts;
}

class Reader {
  readonly #facts: Facts;
  readonly #read: ReadMakefile;
  readonly #guards = new Guards();
  #included = 0;
  /** What the assignments of this Makefile set, for `?=` and for conditions: the mode of the line being read. */
  #mode: Mode = 'live';
  #inRule = false;
  #define: { readonly name: string; readonly operator: string; readonly lines: string[]; depth: number } | undefined;

  constructor(facts: Facts, read: ReadMakefile) {
    this.#facts = facts;
    this.#read = read;
  }

  async file(path: string, depth: number): Promise<void> {
    const text = await this.#read(path);
    if (text === undefined) return this.#fail(`${path} cannot be read`);
    const outside = this.#guards.open.length;
    for (const { text: line, line: number, tab } of logicalLines(text)) {
      if (this.#define !== undefined) this.#defineLine(line);
      else if (tab && this.#inRule) this.#recipe(line);
      else if (line.trim() !== '') await this.#line(line, `${path}:${number}`, depth);
    }
    if (this.#guards.open.length !== outside || this.#define !== undefined)
      this.#facts.failed ??= `${path} ends within a block`;
  }

  #fail(why: string): void {
    if (this.#mode !== 'dead') this.#facts.failed ??= why;
  }

  async #line(line: string, place: string, depth: number): Promise<void> {
    const conditional = this.#guards.read(line, this.#facts.scope);
    this.#mode = this.#guards.mode;
    this.#facts.scope.dead = this.#mode === 'dead';
    if (conditional === false) this.#fail(`${place}: a conditional that is not understood`);
    if (conditional !== undefined) return;
    if (/\$[({]eval\s/.test(line.replaceAll(HARMLESS_LINE, ''))) this.#fail(`${place}: makes its own lines`);
    const statement = parseStatement(line);
    this.#inRule = statement.kind === 'rule' || (this.#inRule && statement.kind === 'expansion');
    if (statement.kind === 'include') await this.#include(statement, place, depth);
    else this.#statement(statement, place);
  }

  #statement(statement: Statement, place: string): void {
    const { scope } = this.#facts;
    switch (statement.kind) {
      case 'assignment':
        return this.#assign(statement, place);
      case 'export':
        for (const name of wordsOf(expand(statement.names, scope))) scope.exports.add(bare(name));
        return;
      case 'unset':
        if (this.#mode !== 'dead') for (const name of wordsOf(expand(statement.names, scope))) this.#unset(name);
        return;
      case 'define':
        this.#define = { name: statement.name, operator: statement.operator, lines: [], depth: 1 };
        return;
      case 'rule':
        return this.#rule(statement);
      case 'expansion':
        if (this.#mode !== 'dead' && !isEmpty(statement.text, scope)) this.#fail(`${place}: makes its own lines`);
        return;
      default:
        return this.#fail(`${place}: not understood`);
    }
  }

  #unset(name: string): void {
    const text = this.#mode === 'maybe' ? doubted(valueOfVariable(name, this.#facts.scope)) : '';
    this.#facts.scope.set(name, { text, recursive: false }, this.#mode);
  }

  #assign(statement: Extract<Statement, { kind: 'assignment' }>, place: string): void {
    const { scope } = this.#facts;
    const name = expand(statement.name, scope).trim();
    const value = statement.operator === '!=' ? HOLE : statement.value;
    const shown = expand(value, scope);
    this.#mention(name, statement.name, shown, place);
    if (this.#mode !== 'dead') this.#sourceWords(value);
    if (!isKnown(name)) {
      if (this.#mode !== 'dead') scope.setUnnamed(name.slice(0, firstMark(name)), shown, statement.operator === '+=');
      return;
    }
    if (name === 'VPATH' && !scope.fixed.has(name) && this.#mode !== 'dead')
      this.#fail(`${place}: files are looked for elsewhere`);
    if (statement.exported && this.#mode !== 'dead') scope.exports.add(name);
    const old = scope.find(name);
    if (statement.operator === '?=' && old !== undefined) return;
    const recursive = statement.operator === '=' || statement.operator === '?=';
    if (statement.operator === '+=') this.#append(name, value, shown);
    else if (this.#mode === 'maybe') {
      const before = old === undefined ? '' : doubted(valueOfVariable(name, scope));
      // What it refers to may still change before it is used.
      const later = recursive && value.includes('$') ? HOLE : '';
      scope.set(name, { text: `${before} ${doubted(shown)} ${later}`.trim(), recursive: false }, 'maybe');
    } else scope.set(name, recursive ? { text: value, recursive } : { text: shown, recursive }, this.#mode);
  }

  #append(name: string, value: string, shown: string): void {
    const { scope } = this.#facts;
    const old = scope.find(name);
    if (this.#mode === 'maybe') {
      const before = old === undefined ? '' : valueOfVariable(name, scope);
      const later = old?.recursive !== false && value.includes('$') ? HOLE : '';
      return scope.set(name, { text: `${before} ${doubted(shown)} ${later}`.trim(), recursive: false }, 'maybe');
    }
    const recursive = old?.recursive ?? old === undefined;
    const known = old ?? scope.look(name);
    const text = `${known.text} ${recursive ? value : shown}`.trim();
    if (text.length > MAX_EXPANSION) scope.set(name, { text: HOLE, recursive: false }, this.#mode);
    else scope.set(name, { text, recursive }, this.#mode);
  }

  #mention(variable: string, written: string, value: string, place: string): void {
    const unset = written.includes('$') && /-n?$/.test(variable);
    const mention = { variable, written, guards: this.#guards.open, place, off: unset || this.#mode === 'dead' };
    const any = /^(?:subdir|always|extra|hostprogs|userprogs|obj|lib|dtb|core|libs|drivers|net|init)-/.test(variable);
    for (const marked of wordsOf(value)) {
      const word = bare(marked);
      if (!isKnown(word) || !(any || MENTIONED.test(word))) continue;
      const list = this.#facts.mentions.get(word);
      if (list) list.push(mention);
      else this.#facts.mentions.set(word, [mention]);
    }
  }

  #rule({ targets, prerequisites, recipe }: Extract<Statement, { kind: 'rule' }>): void {
    if (this.#mode === 'dead') return;
    const { scope, rules, touched } = this.#facts;
    this.#recipe(recipe);
    // A variable set for some targets only (6.11) makes nothing.
    if (/^\s*(?:private\s+|export\s+|override\s+)*[\w.$(){}-]+\s*(?::|\+|\?)?=/.test(prerequisites)) return;
    // A static pattern rule (4.12.1): "objects: %.o: %.c".
    const parts = prerequisites.split(/:(?!=)/);
    const made = parts.length > 1 ? parts[0]! : targets;
    const needed = wordsOf(expand(parts.at(-1)!, scope));
    if (needed.some((word) => !isKnown(bare(word)) || word.includes('$'))) this.#facts.open = true;
    const sources = needed.map(bare).filter(isKnown);
    for (const source of sources) if (!source.includes('%')) touched.add(source);
    const named = [...wordsOf(expand(targets, scope)), ...wordsOf(expand(made, scope))].map(bare);
    rules.push({ targets: named.filter(isKnown), sources });
  }

  /** Recipes are not run; the folders they enter and the sources they name are kept. */
  #recipe(line: string): void {
    if (this.#guards.mode === 'dead' || line.trim() === '') return;
    const { scope, entered } = this.#facts;
    for (const match of line.matchAll(/\$[({]build[)}]=(\S+)/g)) {
      const folder = expand(match[1]!, scope);
      if (isKnown(folder)) entered.add(folder);
      else if (!match[1]!.startsWith('$@')) this.#facts.open = true;
    }
    this.#sourceWords(line);
  }

  #sourceWords(text: string): void {
    for (const token of text.split(/[\s"'=,;|<>]+/)) {
      const end = [...token.matchAll(SOURCE_END)].at(-1);
      if (end === undefined) continue;
      const word = token.slice(0, end.index + end[0].length);
      for (const found of wordsOf(expand(word, this.#facts.scope))) this.#facts.touched.add(bare(found));
    }
  }

  async #include(
    { files, optional }: Extract<Statement, { kind: 'include' }>,
    place: string,
    depth: number,
  ): Promise<void> {
    if (this.#mode === 'dead' || (optional && DEPENDENCIES.test(files))) return;
    for (const marked of wordsOf(expand(files, this.#facts.scope))) {
      const path = posix.normalize(bare(marked));
      if (CONFIGURATION.test(path)) continue;
      this.#included += 1;
      const tooMany = this.#included > MAX_INCLUDES || depth >= MAX_INCLUDE_DEPTH;
      if (!isKnown(marked) || tooMany) this.#fail(`${place}: includes something unknown`);
      else if (!optional || (await this.#read(path)) !== undefined) await this.file(path, depth + 1);
      else if (this.#facts.folder !== '') this.#fail(`${place}: includes something that is not there yet`);
    }
  }

  #defineLine(line: string): void {
    const define = this.#define!;
    if (/^\s*define\s/.test(line)) define.depth += 1;
    else if (/^\s*endef(?:\s|$)/.test(line)) define.depth -= 1;
    if (define.depth > 0) {
      define.lines.push(line);
      return;
    }
    this.#define = undefined;
    const mode = this.#mode;
    const text = mode === 'maybe' || define.operator === '+=' ? HOLE : define.lines.join('\n');
    const recursive = define.operator === '=' && text !== HOLE;
    const value = recursive || text === HOLE ? text : expand(text, this.#facts.scope);
    this.#facts.scope.set(expand(define.name, this.#facts.scope), { text: value, recursive }, mode);
  }
}

/** A line that is only a reference: it says nothing when it is empty, or all that it does is set flags. */
function isEmpty(text: string, scope: Scope): boolean {
  if (text.search(HARMLESS_LINE) >= 0 && !/\$[({]eval\s/.test(text.replaceAll(HARMLESS_LINE, ''))) return true;
  return expand(text, scope).trim() === '';
}

function firstMark(text: string): number {
  const marks = [HOLE, MAYBE].map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
  return Math.min(text.length, ...marks);
}
