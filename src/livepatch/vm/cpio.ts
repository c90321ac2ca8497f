/** One entry of an initramfs. `link`: a symbolic link to that path; `folder`: a directory; else a file with `content`. */
export type CpioEntry =
  | { readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly folder: true };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/**
 * Writes a cpio archive in the "newc" form that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).
 * Owner, times and inode numbers are fixed, so the same entries give the same bytes. Parent folders are added.
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const folders = new Set<string>();
  let inode = 1;
  const add = (path: string, mode: number, content: Uint8Array): void => {
    const name = Buffer.from(`${path}\0`);
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    inode += 1;
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
    parts.push(padded(Buffer.concat([header, name])), padded(Buffer.from(content)));
  };
  const addFolders = (path: string): void => {
    const above = path.split('/').slice(0, -1);
    for (let i = 1; i <= above.length; i += 1) {
      const folder = above.slice(0, i).join('/');
      if (folders.has(folder)) continue;
      folders.add(folder);
      add(folder, S_IFDIR | 0o755, Buffer.alloc(0));
    }
  };
  for (const entry of entries) {
    const path = entry.path.replace(/^\/+/, '');
    addFolders('folder' in entry ? `${path}/.` : path);
    if ('link' in entry) add(path, S_IFLNK | 0o777, Buffer.from(entry.link));
    else if ('content' in entry) add(path, S_IFREG | entry.mode, entry.content);
  }
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
