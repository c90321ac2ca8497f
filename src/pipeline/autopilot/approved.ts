import { type ApprovalState, approvalWord } from '#domain';
import type { Item, Reason } from './plan.ts';

/** What people said of a proved livepatch, or why its record cannot be believed. */
export type Standing = { readonly state: ApprovalState; readonly edited: string | null } | Reason;

/** The items of a plan; those of a proved livepatch say how far it is approved, and what is missing. */
export function withApprovals(items: readonly Item[], standings: ReadonlyMap<string, Standing>): Item[] {
  return items.map((item) => {
    const standing = item.livepatch === null ? undefined : standings.get(item.livepatch);
    if (item.stage !== 'proved' || standing === undefined) return item;
    return 'state' in standing ? approvedItem(item, standing) : { ...item, stage: 'task', ...standing };
  });
}

function approvedItem(item: Item, { state, edited }: Extract<Standing, { state: ApprovalState }>): Item {
  const { needed, counted, accept } = state;
  const missing = edited === null ? state.missing : [edited, ...state.missing];
  const approval = { state: approvalWord(state), needed, counted, accept, missing };
  if (state.enough) return { ...item, stage: 'approved', why: 'proved and approved; it can be published', approval };
  return { ...item, why: `proved; ${missing.join('; ')}`, approval };
}
