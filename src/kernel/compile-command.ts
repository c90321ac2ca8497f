import { KernelError } from './error.ts';

/** Where the objects of a comparison are written, inside the sandbox. */
export const OBJECT_OUT = '/mnt/out';

/**
 * The compiler's part of the command that Kbuild saved for an object, writing to `OBJECT_OUT/<name>` and nowhere else;
 * what follows it (objtool, symbol versions) is left out. Debug information is turned off: by GCC's own rule (-g never
 * changes the code) it says nothing, and takes half of the time. Errors: command-unsupported.
 */
export function compileCommand(cmdText: string, object: string, name: string, flags: readonly string[] = []): string {
  const head = cmdText.slice(0, Math.max(0, cmdText.indexOf('\n')));
  const saved = /^(?:saved)?cmd_\S+ := (.*)$/.exec(head)?.[1];
  const command =
    saved === undefined
      ? undefined
      : unescaped(saved)
          .split(/ ; | && /)[0]!
          .trim();
  const output = ` -o ${object} `;
  if (command === undefined || !command.includes(output) || !/^\S*(?:gcc|clang)(?:-[\w.]+)? /.test(command))
    throw new KernelError('command-unsupported', 'kernel-source', {
      what: `${object} is not made by one call of a C compiler`,
      where: object,
      remedy: 'what is made otherwise is never proved by compilation; its CVEs stay as the other rungs left them',
    });
  const written = command
    .replace(output, ` -o ${OBJECT_OUT}/${name} `)
    .replace(/ -Wp,-MM?D,\S+/, ` -Wp,-MMD,${OBJECT_OUT}/${name}.d`);
  return [written, '-g0', ...flags].join(' ');
}

/** Kbuild saves commands as make reads them (scripts/Kbuild.include, make-cmd): `$$` is `$` and `$(pound)` is `#`. */
function unescaped(saved: string): string {
  return saved.replaceAll('$(pound)', '#').replaceAll('\\#', '#').replaceAll('$$', '$');
}
