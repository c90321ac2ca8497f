import { existsSync } from 'node:fs';
import { join } from 'node:path';

const place = join(import.meta.dirname, '../../shared');

/** Real data beside the checkout, read in place and never copied into it; undefined where it is absent. */
export const shared: string | undefined = existsSync(place) ? place : undefined;
