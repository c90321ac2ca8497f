import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionAt, functionBodies } from '#patch';

const TEXT = `#include <linux/x.h>
#define MACRO(a) do { \\
	f(a); \\
} while (0)
struct thing { int a; };
static const struct ops ops = {
	.open = open_it,
};
static DEFINE_MUTEX(lock);
module_init(start)
static int __printf(2, 3)
say(struct thing *t, const char *text, ...)
{
	/* } */
	return '}';
}
SYSCALL_DEFINE3(read, unsigned int, fd, char __user *, buf, size_t, count)
{
#ifdef CONFIG_X
	if (a) {
#else
	if (b) {
#endif
		go();
	}
out:
	return 0;
}
void unlock_it(struct thing *t) __releases(&t->lock)
{
	drop(t);
}
static inline int one(void) { return 1; }
BPF_CALL_2(bpf_it, int, a, int, b)
{
	return a;
}
DEFINE_SOMETHING(odd)
{
	return 2;
}
enum { A, B };
int last(void (*done)(int))
{
	return sizeof("{");
}
`;

function named(text: string): readonly string[] {
  const line = TEXT.split('\n').findIndex((each) => each.includes(text)) + 1;
  return functionAt(functionBodies(TEXT), line)?.names ?? ['none'];
}

test('the function of a line, through attributes, macros and conditions', () => {
  assert.deepEqual(named("return '}'"), ['say']);
  assert.ok(named('go();').includes('__do_sys_read'));
  assert.ok(named('return 0;').includes('__x64_sys_read'), 'a brace in each branch');
  assert.deepEqual(named('drop(t)'), ['unlock_it']);
  assert.deepEqual(named('return 1;'), ['one']);
  assert.deepEqual(named('return a;'), ['bpf_it', '____bpf_it']);
  assert.deepEqual(named('return 2;'), [], 'a macro nobody knows');
  assert.deepEqual(named('sizeof'), ['last']);
  for (const outside of ['.open', 'DEFINE_MUTEX', 'f(a)', 'struct thing { int', 'enum {'])
    assert.deepEqual(named(outside), ['none'], outside);
});
