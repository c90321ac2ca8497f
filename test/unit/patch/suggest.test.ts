import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finding, suggestion } from '#patch';

const place = { path: 'fs/a.c', line: 1 };

test('a structure that grows is answered with a shadow variable for each new member, under an id that stays', () => {
  const what = 'struct eventpoll changes (+ struct rcu_head rcu; + unsigned int n; - u8 old): objects made before …';
  const text = suggestion(finding('layout-may-change', place, what), 'kpatch')!;
  assert.match(
    text,
    /struct rcu_head \*rcu = klp_shadow_get_or_alloc\(obj, TUXTAPE_EVENTPOLL_RCU, sizeof\(\*rcu\), GFP_KERNEL, NULL, NULL\);/,
  );
  assert.match(text, /unsigned int \*n = klp_shadow_get_or_alloc/);
  assert.match(text, /klp_shadow_free\(obj, TUXTAPE_EVENTPOLL_N, NULL\);/);
  assert.equal(suggestion(finding('layout-may-change', place, what), 'klp'), text, 'the same id every time');
  assert.equal(
    suggestion(finding('layout-may-change', place, 'struct a changes the order of its members: x'), 'klp'),
    null,
  );
});

test('data that changes is answered with callbacks of the engine', () => {
  const one = finding('static-data-changed', place, 'the content of */ policy changes');
  assert.match(
    suggestion(one, 'kpatch')!,
    /#include "kpatch-macros.h"[^]*patch_object \*obj[^]*KPATCH_PRE_PATCH_CALLBACK/,
  );
  assert.match(
    suggestion(one, 'klp')!,
    /linux\/livepatch_helpers.h[^]*struct klp_object \*obj[^]*KLP_POST_UNPATCH_CALLBACK/,
  );
  assert.equal(suggestion(one, 'klp')!.match(/\*\//g)?.length, 3, 'its text ends no comment');
});

test('a finding that no helper answers has no suggestion', () => {
  assert.equal(suggestion(finding('assembly-changed', place), 'klp'), null);
});
