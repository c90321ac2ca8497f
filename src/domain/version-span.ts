import { type KernelVersion, parseKernelVersion } from './kernel-version.ts';

/** Above every stable level of a branch; kernel.org numbers them with three digits at most. */
const ANY_LEVEL = 99_999;

/**
 * What a version string says of the source: everything of `lower` is in it, and nothing that is not in `upper`.
 * `upper` null: anything may be in it. The two are one where the string names one source of kernel.org.
 */
export interface VersionSpan {
  readonly lower: KernelVersion;
  readonly upper: KernelVersion | null;
  /** Why it is not one version, as a sentence's end; null where it is. */
  readonly why: string | null;
}

/**
 * Reads `uname -r`, a Makefile's version or a package's version, of kernel.org or a distribution. Undefined where there is
 * no version at its start. The rules, by who numbers so:
 * - `6.1.0-40-amd64` (Debian until bookworm), `5.15.0-91-generic` (Ubuntu): the third number is always 0 and the next one
 *   counts ABIs, so any stable level may be behind it. kernel.org's own `6.1.0` and `6.1.0-rc3` have nothing or -rc there.
 * - `5.14.0-427.el9`, `4.18.0-553.el8`, `6.4.0-150600.23.7-default`: enterprise kernels take from any later version.
 *   `release`, what `uname -r` says, tells so where the version of the source does not.
 * - `6.1.170-00012-gabcdef`: commits on top of a tag (scripts/setlocalversion), up to the next one.
 * - `6.17-rc3`: what the CNA dates to 6.17 may have come with any of its candidates.
 */
export function versionSpan(text: string, release: string | null = null): VersionSpan | undefined {
  const lower = parseKernelVersion(text);
  if (lower === undefined) return undefined;
  if (isEnterprise(text) || (release !== null && isEnterprise(release)))
    return { lower, upper: null, why: 'is an enterprise kernel, which takes changes from any later version' };
  if (/^\d+\.\d+\.0[-+~_](?!rc\d)/.test(text) && lower.mainline[0]! > 2)
    return {
      lower,
      upper: { ...lower, patch: ANY_LEVEL },
      why: 'names a build of a distribution, which does not tell the stable level of its source',
    };
  const isOnTop = /-\d+-g[0-9a-f]{7,}/.test(text);
  if (lower.rc !== undefined)
    return {
      lower,
      upper: { ...lower, rc: undefined },
      why: isOnTop ? 'has commits on top of its tag' : 'is a release candidate',
    };
  if (isOnTop) return { lower, upper: { ...lower, patch: lower.patch + 1 }, why: 'has commits on top of its tag' };
  return { lower, upper: lower, why: null };
}

function isEnterprise(text: string): boolean {
  return /[.-](?:el|an|ky|oe|alnx)\d|uek|-android\d|-1[56]\d{4}\.|-(?:default|preempt|kvmsmall|64kb)$/.test(text);
}
