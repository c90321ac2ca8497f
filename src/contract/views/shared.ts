import * as z from 'zod';

/** Lines that one page of a list has at most. */
const MOST_LINES = 500;
const MAX_WORDS = 200;
const MAX_CURSOR = 1_000;

/** Words that a person looks for. PostgreSQL has no zero character. */
export const words = z
  .string()
  .max(MAX_WORDS)
  .refine((text) => !text.includes('\0'), 'holds a zero character');

/** `true` or `false` in an address. */
export const yesNo = z.enum(['true', 'false']).transform((text) => text === 'true');

/** How many lines, and where the page begins: what the page before gave as `next`. */
export const paging = {
  limit: z.coerce.number<number>().int().min(1).max(MOST_LINES).default(100),
  cursor: z.string().max(MAX_CURSOR).optional(),
};

/** Pages that are counted: the cursor is how many lines stand before. */
export const countedPaging = {
  ...paging,
  cursor: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
};

export const time = z.iso.datetime();
export const next = z.string().nullable();
