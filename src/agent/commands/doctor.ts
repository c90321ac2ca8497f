import { messageOf } from '#domain';
import { findProgram } from '#host';
import { openHost } from '../host-door.ts';
import { linuxKernel } from '../kernel/door.ts';
import { readFacts } from '../kernel/facts.ts';
import { hostRefusalsOf } from '../precheck/checks.ts';
import { exitCodes } from '../report/exit-codes.ts';
import { type Arguments, settingsOf } from './arguments.ts';

/** One thing that was looked at. `unknown` is no "well". */
interface Finding {
  readonly what: string;
  readonly state: 'well' | 'ill' | 'unknown';
  readonly code: string | null;
  readonly remedy: string | null;
}

/** `doctor`: everything that would keep this host from being livepatched, at once. Changes nothing. */
export async function doctorCommand(given: Arguments): Promise<number> {
  const findings = [...(await hostFindings(given)), ...(await setupFindings(given))];
  if (given.json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  else
    for (const { what, state, code, remedy } of findings) {
      process.stdout.write(`${state.padEnd(8)}${code === null ? '' : `${code}: `}${what}\n`);
      if (remedy !== null) process.stdout.write(`        ${remedy}\n`);
    }
  const first = findings.find(({ state }) => state === 'ill');
  return first === undefined ? 0 : (exitCodes[first.code ?? ''] ?? 1);
}

async function hostFindings({ places }: Arguments): Promise<Finding[]> {
  const kernel = linuxKernel(places.state);
  const buildId = await attempt(
    () => kernel.buildId(),
    (id) => `the running kernel has build-id ${id}`,
  );
  const facts = { ...(await readFacts()), buildId: 'unknown' };
  const refusals = hostRefusalsOf(facts).map(({ code, what, remedy }) => ({
    what,
    state: 'ill' as const,
    code,
    remedy,
  }));
  const log = await attempt(
    () => kernel.kernelLog(() => {}),
    () => 'the kernel log can be read',
  );
  const insmod = findProgram('insmod');
  return [
    buildId,
    ...(refusals.length > 0 ? refusals : [well('this host can be livepatched')]),
    log,
    insmod === undefined
      ? ill('program-missing', 'insmod is not there', 'install kmod')
      : well(`${insmod} loads modules`),
    facts.probes === undefined
      ? { what: 'who traces functions cannot be seen (no tracefs)', state: 'unknown', code: null, remedy: null }
      : well(`${facts.probes.length} functions are traced`),
  ];
}

async function setupFindings(given: Arguments): Promise<Finding[]> {
  const opened = await attempt(
    async () => {
      const settings = await settingsOf(given);
      const doors = await openHost(given.places, settings);
      return { settings, answer: await doors.archive.contact(await doors.kernel.buildId()) };
    },
    ({ settings, answer }) =>
      answer.index === null
        ? `${settings.archive} is believed, and does not serve this kernel`
        : `${settings.archive} is believed until ${answer.expires}, and has ${answer.index.releases.length} releases of this kernel`,
  );
  return [opened];
}

async function attempt<T>(body: () => Promise<T>, words: (value: T) => string): Promise<Finding> {
  try {
    return well(words(await body()));
  } catch (error) {
    const { code = 'internal', remedy = null } = error as { code?: string; remedy?: string };
    return ill(code, messageOf(error), remedy);
  }
}

function well(what: string): Finding {
  return { what, state: 'well', code: null, remedy: null };
}

function ill(code: string, what: string, remedy: string | null): Finding {
  return { what, state: 'ill', code, remedy };
}
