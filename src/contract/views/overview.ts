import * as z from 'zod';
import { severitySchema, verdictStatusSchema } from '../schemas.ts';
import { reportSchema } from './fleet.ts';
import { time } from './shared.ts';

const count = z.number().int().min(0);

/** What is on fire. A kernel that was never decided has `decided` false: it is unknown, not clean. */
export const overviewSchema = z.strictObject({
  kernels: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      bundled: z.boolean(),
      decided: z.boolean(),
      affected: z.record(severitySchema, count),
      open: count,
    }),
  ),
  changes: z.array(
    z.strictObject({
      cve: z.string(),
      title: z.string(),
      severity: severitySchema,
      kernel: z.string(),
      before: verdictStatusSchema.nullable(),
      after: verdictStatusSchema.nullable(),
      at: time,
    }),
  ),
  hosts: z.strictObject({ all: count, silent: count, unknownKernel: count, flagged: count }),
  /** What a livepatch is blamed for, the latest first. */
  blamed: z.array(reportSchema),
});

/** What is compiled into a kernel, by folder, with the CVEs that are open there. */
export const kernelMapSchema = z.strictObject({
  /** Null: the kernel has no profile, so what is compiled is not known. */
  folders: z
    .array(
      z.strictObject({
        /** At most three parts, e.g. `net/ipv4`. */
        path: z.string(),
        files: count,
        affected: count,
        open: count,
      }),
    )
    .nullable(),
  /** Open CVEs whose files are in no folder of the build, or that name none. */
  elsewhere: count,
});

export type Overview = z.infer<typeof overviewSchema>;
export type KernelMapView = z.infer<typeof kernelMapSchema>;
