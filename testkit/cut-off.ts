import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** What a file system does that goes away: after so many files were put in place, none is any more. */
class CutOff extends Error {}

/** Runs `body` with a machine that stops after `renames` files were renamed into place. True: it got to its end before. */
export async function cutOffAfter(renames: number, body: () => Promise<unknown>): Promise<boolean> {
  const { rename } = fs;
  let left = renames;
  fs.rename = async (from, to) => {
    if (left <= 0) throw new CutOff('the machine stopped');
    left -= 1;
    await rename(from, to);
  };
  syncBuiltinESMExports();
  try {
    await body();
    return true;
  } catch (error) {
    if (error instanceof CutOff || (error instanceof Error && error.cause instanceof CutOff)) return false;
    throw error;
  } finally {
    fs.rename = rename;
    syncBuiltinESMExports();
  }
}
