import { LivepatchError } from '../error.ts';
import { readModule } from '../module-file.ts';
import { splitSignature } from '../signature/appended.ts';

/** Where a module's own name stands: its information, and the structure that the kernel takes over. */
const NAMED = ['.modinfo', '.gnu.linkonce.this_module'] as const;
const ENDINGS = ['_b', '_c'] as const;

/**
 * The same code as another module, to be replaced by it: the name is as long, and ends with other letters. A signature is
 * lost. Errors: module-unreadable, where the name does not stand once in each place.
 */
export function underOtherName(module: Buffer, name: string): { readonly module: Buffer; readonly moduleName: string } {
  const moduleName = ENDINGS.map((ending) => name.slice(0, -ending.length) + ending).find((other) => other !== name)!;
  // What the sections are read from is changed in place.
  const copy = Buffer.from(splitSignature(module).module);
  const file = readModule(copy, name);
  for (const wanted of NAMED) {
    const section = file.sections.find((one) => one.name === wanted);
    const content = section === undefined ? Buffer.alloc(0) : file.content(section);
    const from = Buffer.from(wanted === '.modinfo' ? `name=${name}\0` : `${name}\0`);
    const to = Buffer.from(wanted === '.modinfo' ? `name=${moduleName}\0` : `${moduleName}\0`);
    const at = content.indexOf(from);
    if (at < 0 || content.includes(from, at + 1)) {
      const what = `the module's name does not stand once in ${wanted}`;
      throw new LivepatchError('module-unreadable', 'us', { what, where: name });
    }
    to.copy(content, at);
  }
  return { module: copy, moduleName };
}
