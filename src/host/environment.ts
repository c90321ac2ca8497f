import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';

/** The process environment, read in one place. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

export function userName(): string {
  return userInfo().username;
}

/** Where a program's data lives by default: /var/lib for root, XDG_DATA_HOME for others. */
export function defaultDataDirectory(name: string): string {
  if (isRoot()) return join('/var/lib', name);
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), name);
}

/** Full path of a program on PATH (and the system's sbin folders), or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
