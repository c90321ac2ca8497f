import { type Finding, finding, some } from './finding.ts';
import type { Family } from './surroundings.ts';

/** Hazard 30, the other way round: addresses in the module that may outlive it. */
export const addresses: Family = ({ path, before, after, functions }) => {
  const fresh = functions.filter((fn) => fn.before === undefined).map(({ name }) => name);
  const data = [...after.items.values()].filter(
    ({ kind, name, canonical }) =>
      kind === 'variable' && !before.items.has(`variable ${name}`) && !/^extern\b/.test(canonical),
  );
  const found: Finding[] = [];
  for (const { name, line, after: now } of functions) {
    if (now === undefined) continue;
    const handed = [
      ...fresh.filter((one) => /^\w+$/.test(one) && new RegExp(`(?:[,=(&?:] |return )${one} (?!\\()`).test(now.body)),
      ...data
        .filter((one) => /^\w+$/.test(one.name) && new RegExp(`& ${one.name}\\b`).test(now.body))
        .map((one) => one.name),
    ];
    if (handed.length > 0)
      found.push(finding('module-address', { path, line }, `${name} hands on the address of ${some(handed)}`));
  }
  return found;
};
