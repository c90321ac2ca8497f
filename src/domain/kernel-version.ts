/**
 * Kernel versions as kernel.org numbers them: `2.6.12`, `2.6.32.61`, `6.1`, `6.1.170`, `6.17-rc1`.
 * Semantic versioning is wrong for them: 6.1.170 is not older than 6.2, the two are on different branches.
 */
export interface KernelVersion {
  /** Mainline release this version belongs to: [6, 1] or, before 3.0, [2, 6, 32]. */
  readonly mainline: readonly number[];
  /** Stable patch level on that branch: 170 in 6.1.170; 0 for the mainline release itself. */
  readonly patch: number;
  /** Release candidate number, or undefined. A candidate precedes its release. */
  readonly rc: number | undefined;
}

const VERSION = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,5}))?(?:\.(\d{1,5}))?(?:-rc(\d{1,3}))?/;

/**
 * Reads the version at the start of `text`; what follows (`-amd64`, `-3`, `+`) names a build, not a version.
 * Returns undefined where there is none.
 */
export function parseKernelVersion(text: string): KernelVersion | undefined {
  const match = VERSION.exec(text);
  if (!match) return undefined;
  const [a, b] = [Number(match[1]), Number(match[2])];
  const third = match[3] === undefined ? undefined : Number(match[3]);
  const rc = match[5] === undefined ? undefined : Number(match[5]);
  // 2.4.z and 2.6.z numbered mainline releases by three parts and stable ones by four.
  if (a === 2 && third !== undefined) return { mainline: [a, b, third], patch: Number(match[4] ?? 0), rc };
  return { mainline: [a, b], patch: third ?? 0, rc };
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function compareKernelVersions(a: KernelVersion, b: KernelVersion): number {
  return compareLists(a.mainline, b.mainline) || a.patch - b.patch || (a.rc ?? Infinity) - (b.rc ?? Infinity) || 0;
}

/**
 * Does everything that is in `older` also stand in `newer`? A mainline version is contained in every later mainline
 * release and in all stable releases of its own and later branches; a stable version only in later ones of its own branch.
 */
export function contains(newer: KernelVersion, older: KernelVersion): boolean {
  const branches = compareLists(newer.mainline, older.mainline);
  if (branches === 0) return compareKernelVersions(newer, older) >= 0;
  return branches > 0 && older.patch === 0;
}

export function formatKernelVersion(version: KernelVersion): string {
  const patch = version.patch > 0 ? `.${version.patch}` : '';
  const rc = version.rc === undefined ? '' : `-rc${version.rc}`;
  return `${version.mainline.join('.')}${patch}${rc}`;
}
