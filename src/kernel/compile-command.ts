import { KernelError } from './error.ts';

/** Where the objects of a comparison are written, inside the sandbox. */
export const OBJECT_OUT = '/mnt/out';

export interface CompileCommand {
  /** As the profile names it. */
  readonly object: string;
  /** Name of the file that is written in `OBJECT_OUT`. */
  readonly name: string;
  /** Added at the end of the compiler's words. */
  readonly flags?: readonly string[];
  /** With debug information. */
  readonly debug?: boolean;
  /** With what Kbuild does to the object afterwards: objtool adds unwind tables and sites of static calls. */
  readonly finished?: boolean;
}

/** What may follow the compiler; the path of the object is its last word. */
const OBJTOOL = /^\.\/tools\/objtool\/objtool /;

/**
 * The command that Kbuild saved for an object, writing to `OBJECT_OUT/<name>` and nowhere else. Unless it is wanted, debug
 * information is turned off: by GCC's own rule (-g never changes the code) it says nothing, and takes half of the time.
 * Errors: command-unsupported.
 */
export function compileCommand(cmdText: string, wanted: CompileCommand): string {
  const { object, name } = wanted;
  const head = cmdText.slice(0, Math.max(0, cmdText.indexOf('\n')));
  const saved = /^(?:saved)?cmd_\S+ := (.*)$/.exec(head)?.[1];
  const [command = '', ...after] = saved === undefined ? [] : unescaped(saved).split(/ ; | && /);
  const output = ` -o ${object} `;
  if (!command.includes(output) || !/^\S*(?:gcc|clang)(?:-[\w.]+)? /.test(command))
    throw unsupported(object, 'is not made by one call of a C compiler');
  const written = command
    .trim()
    .replace(output, ` -o ${OBJECT_OUT}/${name} `)
    .replace(/ -Wp,-MM?D,\S+/, ` -Wp,-MMD,${OBJECT_OUT}/${name}.d`);
  const compile = [written, ...(wanted.debug === true ? [] : ['-g0']), ...(wanted.flags ?? [])].join(' ');
  if (wanted.finished !== true) return compile;
  return [compile, ...after.map((step) => finishing(step.trim(), wanted))].join(' && ');
}

function finishing(step: string, { object, name }: CompileCommand): string {
  if (!OBJTOOL.test(step) || !step.endsWith(` ${object}`))
    throw unsupported(object, `is not only compiled: "${step.slice(0, 100)}" follows`);
  return `${step.slice(0, -object.length)}${OBJECT_OUT}/${name}`;
}

function unsupported(object: string, why: string): KernelError {
  return new KernelError('command-unsupported', 'kernel-source', {
    what: `${object} ${why}`,
    where: object,
    remedy: 'what is made otherwise is never compiled by itself; its CVEs stay as the other rungs left them',
  });
}

/** Kbuild saves commands as make reads them (scripts/Kbuild.include, make-cmd): `$$` is `$` and `$(pound)` is `#`. */
function unescaped(saved: string): string {
  return saved.replaceAll('$(pound)', '#').replaceAll('\\#', '#').replaceAll('$$', '$');
}
