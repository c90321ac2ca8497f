import * as z from 'zod';
import { hostFlags, hostStates, refusalLevels } from '#domain';
import { countedPaging, next, paging, time, words, yesNo } from './shared.ts';

const count = z.number().int().min(0);

export const hostQuerySchema = z.strictObject({
  group: words.optional(),
  ring: words.optional(),
  state: z.enum(hostStates).optional(),
  flag: z.enum(hostFlags).optional(),
  buildId: words.optional(),
  /** Of the name, from its beginning. */
  q: words.optional(),
  /** Only those that were not heard of for three check-ins. */
  silent: yesNo.optional(),
  ...paging,
});

/** A host as it last said. Names, labels and releases are its own words: hostile. */
export const hostLineSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  group: z.string(),
  ring: z.string().nullable(),
  release: z.string().nullable(),
  buildId: z.string().nullable(),
  state: z.enum(hostStates),
  stateRelease: z.number().nullable(),
  flags: z.array(z.enum(hostFlags)),
  alarm: z.string().nullable(),
  seenAt: time.nullable(),
  silent: z.boolean(),
});

export const hostPageSchema = z.strictObject({ hosts: z.array(hostLineSchema), next });

/** One trouble, as the kernels of the fleet reported it. */
export const reportSchema = z.strictObject({
  key: z.string(),
  kind: z.string(),
  severity: z.string(),
  title: z.string(),
  blamed: z.boolean(),
  hosts: count,
  count,
  firstAt: time,
  lastAt: time,
});

export const hostDetailSchema = z.strictObject({
  ...hostLineSchema.shape,
  /** Name of its kernel here; null: its kernel is not known, so nobody can say what matters to it. */
  kernel: z.string().nullable(),
  enrolledAt: time,
  decommissionedAt: time.nullable(),
  saidAt: z.string().nullable(),
  bootId: z.string().nullable(),
  uptimeSeconds: count,
  agent: z.string().nullable(),
  level: z.enum(refusalLevels).nullable(),
  arch: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  stateSince: time.nullable(),
  archiveError: z.string().nullable(),
  /** Newest first. `detail`: JSON text. */
  events: z.array(z.strictObject({ at: time, kind: z.string(), detail: z.string() })),
  reports: z.array(reportSchema),
});

export const fleetSummarySchema = z.strictObject({
  /** Hosts that were not heard of since then are silent. */
  silentSince: time,
  groups: z.array(
    z.strictObject({ group: z.string(), hosts: count, silent: count, unknownKernel: count, flagged: count }),
  ),
  /** `kernel` null: it is not known here. */
  kernels: z.array(
    z.strictObject({
      buildId: z.string().nullable(),
      release: z.string().nullable(),
      kernel: z.string().nullable(),
      hosts: count,
      silent: count,
    }),
  ),
});

export const reportQuerySchema = z.strictObject({
  blamed: yesNo.optional(),
  kind: words.optional(),
  ...countedPaging,
});
export const reportPageSchema = z.strictObject({ reports: z.array(reportSchema), next });
/** The hosts that said it, the latest first; `more`: there are others. */
export const reportHostsSchema = z.strictObject({
  hosts: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      release: z.number().nullable(),
      blamed: z.boolean(),
      count,
      firstAt: time,
      lastAt: time,
    }),
  ),
  more: z.boolean(),
});

export type HostQuery = z.input<typeof hostQuerySchema>;
export type HostLine = z.infer<typeof hostLineSchema>;
export type HostPage = z.infer<typeof hostPageSchema>;
export type HostDetail = z.infer<typeof hostDetailSchema>;
export type FleetSummary = z.infer<typeof fleetSummarySchema>;
export type ReportQuery = z.input<typeof reportQuerySchema>;
export type Report = z.infer<typeof reportSchema>;
export type ReportPage = z.infer<typeof reportPageSchema>;
export type ReportHosts = z.infer<typeof reportHostsSchema>;
