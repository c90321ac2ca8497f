import { refused } from './error.ts';

/** Longest name of a file on the file systems in use, less what a version and `.json` take. */
const MAX_NAME_BYTES = 230;

/** RFC 3986: everything but unreserved characters as `%XX` of its UTF-8, so `/` and `..` never are a path. */
function quoted(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The name of a role as part of a URL and of a file. Errors: metadata-invalid, for one that no file can have. */
export function quotedRole(role: string): string {
  const name = quoted(role);
  if (name === '' || name.length > MAX_NAME_BYTES)
    throw refused('metadata-invalid', 'the name of a role is empty or too long for a file', role.slice(0, 80));
  return name;
}

/** A target's path as the name of one file. Errors: target-mismatch. */
export function targetFileName(path: string): string {
  requireName(path);
  const name = quoted(path);
  if (name.length > MAX_NAME_BYTES)
    throw refused('target-mismatch', 'the name of the target is too long for a file', path.slice(0, 80));
  return name;
}

/**
 * Where a target lies below the base address: `hash`, when consistent snapshots are in use, stands before the last part
 * (TUF 1.0, 5.7.3). What may stand in a path (RFC 3986, 3.3) stays as it is. Errors: target-mismatch.
 */
export function targetUrlPath(path: string, hash: string | null): string {
  requireName(path);
  const parts = path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent));
  const last = parts.pop() ?? '';
  return [...parts, hash === null ? last : `${hash}.${last}`].join('/');
}

/** A name with a step up or with no last part would leave its folder, or be one: in a URL `%2e%2e` is `..`, too. */
function requireName(path: string): void {
  const parts = path.split('/');
  if (parts.at(-1) === '' || parts.some((part) => part === '.' || part === '..'))
    throw refused(
      'target-mismatch',
      'the name of the target is not one of a file below the archive',
      path.slice(0, 80),
    );
}
