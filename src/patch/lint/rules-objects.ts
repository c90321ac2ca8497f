import type { Rule } from './rule.ts';

const SHADOW = 'rewrite the fix with shadow variables or without the new member; that is a decision of a person';

/** What can be seen in the objects that are compiled with and without the patch. */
export const objectRules = {
  'object-layout': {
    hazard: 1,
    level: 'block',
    what: 'a structure or union has another size, or a member of it another place or type',
    why: 'objects made before the load have the old layout: new code reads and writes past them',
    remedy: SHADOW,
  },
  'object-layout-padding': {
    hazard: 1,
    level: 'two-approvals',
    what: 'a member is new, gone, renamed or of another type where nothing else moves',
    why: 'in objects made before the load its bytes hold whatever was there',
    remedy: 'check that new code never reads it from an object that old code made',
  },
  'object-enum': {
    hazard: 1,
    level: 'block',
    what: 'values of an enumeration that were there change',
    why: 'live objects and code that is not replaced hold the old numbers',
    remedy: 'add new values at the end, or keep every old number',
  },
  'object-enum-grows': {
    hazard: 1,
    level: 'two-approvals',
    what: 'an enumeration gets new values, and its last one moves',
    why: 'tables and bitmaps sized by it stay as they are',
    remedy: 'check that nothing old is indexed by the new value',
  },
  'object-types-unread': {
    hazard: 1,
    level: 'block',
    what: 'the types of an object could not be compared',
    why: 'whether a layout changes is not known',
    remedy: 'compile both objects with debug information (-g)',
  },
  'object-data': {
    hazard: 3,
    level: 'block',
    what: 'data that is there gets another content or size',
    why: 'the data in memory stays as it is; the engines refuse it, or bring a second copy',
    remedy: 'set it in a callback, or reach the new code through a function that is replaced; that needs a person',
  },
  'object-data-added': {
    hazard: 3,
    level: 'two-approvals',
    what: 'data that can be written is new',
    why: 'it starts anew with every release, and old code does not use it',
    remedy: 'check that nothing is lost when the next release replaces this one',
  },
  'object-init': {
    hazard: 6,
    level: 'two-approvals',
    what: 'code or data that is only used at start or removal comes out otherwise',
    why: 'it is freed; the engines refuse the whole patch for it',
    remedy: 'leave that hunk out when the rest stands without it',
  },
  'object-section': {
    hazard: 7,
    level: 'two-approvals',
    what: 'a changed function lies in a section that the engines refuse',
    why: 'it is reached in its own way: scheduler, idle, locks, references to start-up code',
    remedy: 'change its callers instead where that is equivalent',
  },
  'object-no-fentry': {
    hazard: 7,
    level: 'block',
    what: 'a changed function has no call to the function tracer',
    why: 'there is no place where it could be redirected',
    remedy: 'change its callers instead where that is equivalent; else another measure',
  },
  'object-blast': {
    hazard: 9,
    level: 'note',
    what: 'functions come out otherwise that the diff does not name',
    why: 'a changed function was inlined into them, or the compiler decided otherwise',
    remedy: 'review each: all of them are replaced',
  },
  'object-suffix': {
    hazard: 10,
    level: 'note',
    what: 'the compiler splits or specialises a function otherwise (.constprop, .isra, .part, .cold)',
    why: 'the function that runs today has another name',
    remedy: 'check that the callers are replaced with it',
  },
  'object-static-local': {
    hazard: 11,
    level: 'two-approvals',
    what: 'a static variable of a function is lost, or is there once more',
    why: 'the module would use a copy that starts anew, beside the one in memory',
    remedy: 'keep the variable in the function where it was, or accept the copy by a second person',
  },
  'object-duplicate-name': {
    hazard: 16,
    level: 'note',
    what: 'the kernel has more than one function of the name',
    why: 'the position among them (sympos) must be the right one',
    remedy: 'check sympos in the module, and the address in the virtual machine',
  },
} as const satisfies Record<string, Rule>;
