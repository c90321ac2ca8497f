import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileCommand } from '#kernel';

const COMPILE = 'gcc -Wp,-MMD,kernel/.signal.o.d -O2 -DX=\'"$$a"\' -c -o kernel/signal.o kernel/signal.c';
const OBJTOOL = './tools/objtool/objtool --orc --uaccess   kernel/signal.o';

function saved(command: string): string {
  return `savedcmd_kernel/signal.o := ${command}\n\nsource_kernel/signal.o := kernel/signal.c\n`;
}

test('a saved command writes to the folder of the comparison and nowhere else', () => {
  const command = compileCommand(saved(`${COMPILE}   ; ${OBJTOOL}`), { object: 'kernel/signal.o', name: 'signal.o' });
  assert.equal(
    command,
    'gcc -Wp,-MMD,/mnt/out/signal.o.d -O2 -DX=\'"$a"\' -c -o /mnt/out/signal.o kernel/signal.c -g0',
  );
});

test('a finished object goes through objtool as in the build, with the flags that are added', () => {
  const wanted = {
    object: 'kernel/signal.o',
    name: 'signal.o',
    flags: ['-fdata-sections'],
    debug: true,
    finished: true,
  };
  const command = compileCommand(saved(`${COMPILE}   ; ${OBJTOOL}`), wanted);
  assert.ok(command.endsWith(' && ./tools/objtool/objtool --orc --uaccess   /mnt/out/signal.o'));
  assert.match(command, /kernel\/signal\.c -fdata-sections && /);
  assert.doesNotMatch(command, /-g0/);
});

test('what is made by other steps is not taken for finished', () => {
  const wanted = { object: 'kernel/signal.o', name: 'signal.o', finished: true };
  for (const step of ['rm -rf /', `./tools/objtool/objtool kernel/other.o`, 'ld -r -o kernel/signal.o kernel/a.o'])
    assert.throws(() => compileCommand(saved(`${COMPILE} ; ${step}`), wanted), { code: 'command-unsupported' });
  assert.throws(() => compileCommand(saved('ld -r -o kernel/signal.o kernel/a.o'), wanted), {
    code: 'command-unsupported',
  });
  assert.throws(() => compileCommand('', wanted), { code: 'command-unsupported' });
});
