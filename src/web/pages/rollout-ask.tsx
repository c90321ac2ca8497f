import { Alert, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import type { RolloutDetail, RolloutStop, Session } from '#contract';
import type { Role } from '#domain';
import { api } from '../parts/api.ts';
import { Dialog } from '../parts/dialog.tsx';
import { send } from '../parts/send.ts';

type Act = RolloutStop['do'] | 'resume';
type Rollout = RolloutDetail;

const acts: Readonly<Record<Act, { readonly label: string; readonly about: string; readonly color: string }>> = {
  pause: { label: 'Pause', about: 'No host starts; what is in flight goes on.', color: 'dark' },
  halt: { label: 'Halt', about: 'No host starts; hosts in flight do as the policy says.', color: 'red.9' },
  resume: { label: 'Resume', about: 'Hosts start again, from the step it stopped at.', color: 'dark' },
  recall: {
    label: 'Recall',
    about: 'Stops every ring for good. Taking it off hosts is a recall of the archive.',
    color: 'red.9',
  },
};
/** As `src/server/access.ts` has them: the server decides, this only hides what it would refuse. */
const mayStop: readonly Role[] = ['author', 'reviewer', 'release-manager'];
const mayResume: readonly Role[] = ['release-manager'];

/** What this person may ask of a rollout. Each is asked for with a reason, and done by the next round of the controller. */
export function RolloutAsk({ rollout }: { readonly rollout: Rollout }) {
  const session = useQuery({ queryKey: ['session'], queryFn: () => api.session() });
  const [act, setAct] = useState<Act | null>(null);
  if (session.data === undefined) return null;
  const possible = actsOf(rollout, session.data);
  if (possible.length === 0) return null;
  return (
    <Group role="group" aria-label="Ask for">
      {possible.map((one) => (
        <Button key={one} color={acts[one].color} onClick={() => setAct(one)}>
          {acts[one].label}
        </Button>
      ))}
      {act !== null && <Ask act={act} rollout={rollout} session={session.data} close={() => setAct(null)} />}
    </Group>
  );
}

function actsOf({ phase }: Rollout, { as, grants }: Session): Act[] {
  const holds = (wanted: readonly Role[]): boolean =>
    as === 'session' && grants.some(({ role, scope }) => scope.kind === 'all' && wanted.includes(role));
  const stopped = phase === 'paused' || phase === 'halted';
  return [
    ...(holds(mayStop) && (phase === 'running' || phase === 'done') ? (['pause'] as const) : []),
    ...(holds(mayStop) && phase !== 'halted' && phase !== 'recalled' && phase !== 'draft' ? (['halt'] as const) : []),
    ...(holds(mayResume) && stopped ? (['resume'] as const) : []),
    ...(holds(mayStop) && phase !== 'recalled' ? (['recall'] as const) : []),
  ];
}

interface AskProps {
  readonly act: Act;
  readonly rollout: Rollout;
  readonly session: Session;
  readonly close: () => void;
}

function Ask({ act, rollout, session, close }: AskProps) {
  const { id, failed, stop } = rollout;
  const queries = useQueryClient();
  // What this person saw when the question came up: what fails while it is read over is not seen, and refuses the resume.
  const [saw] = useState(failed);
  const ask = useMutation({
    mutationFn: ({ reason, past }: { reason: string; past: boolean }) =>
      act === 'resume'
        ? send('POST', `/rollouts/${id}/resume`, session, { reason, failures: saw, pastInconclusive: past })
        : send('POST', `/rollouts/${id}/stop`, session, { reason, do: act }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rollout', id] });
      close();
    },
  });
  const submit = (event: SyntheticEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const reason = form.get('reason');
    ask.mutate({ reason: typeof reason === 'string' ? reason : '', past: form.get('past') === 'on' });
  };
  return (
    <Dialog name={`${acts[act].label} this rollout`} opened close={close}>
      <form onSubmit={submit}>
        <Stack>
          <Text>{acts[act].about}</Text>
          {act === 'resume' && <Text>{saw === 0 ? 'No host failed.' : `You saw ${saw} failed hosts, and go on.`}</Text>}
          {ask.error !== null && (
            <Alert color="red" role="alert">
              {ask.error.message}
            </Alert>
          )}
          <TextInput
            label="Reason"
            description="It stands in the audit log."
            name="reason"
            required
            maxLength={1000}
            data-autofocus
          />
          {act === 'resume' && stop?.code === 'inconclusive' && (
            <Checkbox name="past" label="Go past the step that proved nothing" />
          )}
          <Group justify="end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" color={acts[act].color} loading={ask.isPending}>
              {acts[act].label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
