/**
 * Profile from the debug package of a kernel. Argument: the folder it is unpacked to, e.g. of Debian's
 * linux-image-6.1.0-50-cloud-amd64-dbg. Baseline: `cat` of the same files; second one: binutils listing the units alone.
 */
import { existsSync } from 'node:fs';
import { machine, measure, median, report } from './measure.ts';

const RUNS = 3;
const SCRIPT = `
import { readDebugProfile } from '#kernel';
const { profile, release } = await readDebugProfile({ directory: process.argv[1], sources: new Set(), complete: true });
const modules = new Set(profile.objects.map(({ target }) => target)).size - 1;
console.log(\`\${release}: \${profile.objects.length} units, \${modules} modules, \${profile.files.size} files, \` +
  \`\${profile.functions.flat().length} functions, \${profile.unreadable.length} unreadable\`);
`;
const FILES = String.raw`find "$0" -type f \( -name 'vmlinux*' -o -name '*.ko' -o -name '*.ko.debug' \) -print0`;

const [directory] = process.argv.slice(2);
console.log(`profile from debug information, ${machine()}`);
if (directory === undefined || !existsSync(directory))
  console.log('skipped: give the folder of an unpacked debug package as argument');
else await bench(directory);

async function bench(directory: string): Promise<void> {
  const cat = await median(RUNS, () => measure('sh', ['-c', `${FILES} | xargs -0 cat | wc -c`, directory]));
  report(`baseline, find and cat of ${cat.stdout.trim()} bytes`, cat);
  const list = `${FILES} | xargs -0 readelf -W --debug-dump=info --dwarf-depth=1 2>/dev/null | grep -c 'DW_TAG_compile_unit'`;
  const readelf = await measure('sh', ['-c', list, directory]);
  report(`readelf, ${readelf.stdout.trim()} units listed and nothing else`, readelf);
  const profile = await median(RUNS, () => measure('node', ['--input-type=module', '-e', SCRIPT, directory]));
  report(`profile: ${profile.stdout.trim()}`, profile, { name: 'find and cat', seconds: cat.seconds });
}
