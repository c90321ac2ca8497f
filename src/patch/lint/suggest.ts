import { createHash } from 'node:crypto';
import type { Finding } from './finding.ts';

/** Which macros there are: kpatch's (kpatch-macros.h), or the kernel's own since 6.19 (linux/livepatch_helpers.h). */
export type HelperMacros = 'kpatch' | 'klp';

const GROWS = /^(?:struct|union) (\w+) changes \((.+?)\)(?::|$)/;
const ADDED = /^\+ (.*?)\b(\w+)$/;

/**
 * C text to begin with for a finding that a helper of livepatches can answer, or null. It is a start for a person, who knows where objects are
 * made and freed and which locks are held; nothing is done with it by itself. Sources: Documentation/livepatch/shadow-vars.rst
 * and callbacks.rst.
 */
export function suggestion({ code, what, path }: Finding, macros: HelperMacros): string | null {
  switch (code) {
    case 'layout-may-change':
      return shadowVariables(what);
    case 'static-data-changed':
    case 'object-data':
      return callback(what, macros);
    case 'header-wide':
    case 'header-many':
      return `/* Leave the hunk of ${path} out, and put what it adds, as static, into each .c file of the fix that needs it:\n   ${what}. */`;
    default:
      return null;
  }
}

function shadowVariables(what: string): string | null {
  const [, type = '', members = ''] = GROWS.exec(what) ?? [];
  const added = members.split('; ').flatMap((member) => {
    const [, kind = '', name] = ADDED.exec(member) ?? [];
    return name === undefined ? [] : [shadowVariable(type, kind.trim(), name)];
  });
  if (added.length === 0) return null;
  return [
    '/* Leave the change of the structure out. In the file that uses the new member: */',
    '#include <linux/livepatch.h>',
    ...added,
  ].join('\n');
}

function shadowVariable(type: string, kind: string, name: string): string {
  const id = `TUXTAPE_${type}_${name}`.toUpperCase();
  // The same in every later livepatch: objects keep what this one attached to them.
  const number = createHash('sha256').update(`${type} ${name}`).digest().readUInt32BE(0);
  return `#define ${id} 0x${number.toString(16).padStart(8, '0')}UL

/* Where it is used; objects made before the load have none yet. GFP_ATOMIC where nothing may sleep. */
	${kind} *${name} = klp_shadow_get_or_alloc(obj, ${id}, sizeof(*${name}), GFP_KERNEL, NULL, NULL);
	if (!${name})
		return -ENOMEM;	/* or what the old code did */

/* Where obj is freed, before it is: */
	klp_shadow_free(obj, ${id}, NULL);`;
}

function callback(what: string, macros: HelperMacros): string {
  const [header, object, prefix] =
    macros === 'kpatch'
      ? ['"kpatch-macros.h"', 'patch_object', 'KPATCH']
      : ['<linux/livepatch_helpers.h>', 'struct klp_object', 'KLP'];
  return `/* Leave the change of the data out (${what.replaceAll('*/', '')}). In its file, if nothing reads it while it is written: */
#include ${header}

static int tuxtape_pre_patch(${object} *obj)
{
	/* write the new value into the old data, under the lock that guards it; not 0: the livepatch is not loaded */
	return 0;
}
${prefix}_PRE_PATCH_CALLBACK(tuxtape_pre_patch);

static void tuxtape_post_unpatch(${object} *obj)
{
	/* put the old value back */
}
${prefix}_POST_UNPATCH_CALLBACK(tuxtape_post_unpatch);`;
}
