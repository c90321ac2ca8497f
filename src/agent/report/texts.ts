import { agentStates } from '#domain';
import { levels } from '../level.ts';
import type { AgentStatus } from './status.ts';

/** `/run/tuxtape/cves`: a CVE a line, those that the livepatch in the kernel has closed; lines with `#` say as of when. */
export function cvesText(status: AgentStatus): string {
  const { loaded, kernel, at } = status;
  const head = [
    `# closed in the running kernel ${kernel.release} (build-id ${kernel.buildId}) by livepatch, as of ${at}`,
    loaded === null ? '# no livepatch is on' : `# release ${loaded.number}, module ${loaded.moduleName}`,
    `# this host is ${status.standing}${status.standing === 'unknown' ? ': what it lacks cannot be said' : ''}`,
  ];
  return `${[...head, ...(loaded === null ? [] : [...loaded.cves].sort())].join('\n')}\n`;
}

/** `/run/tuxtape/effective-kernel`: what runs, with the livepatch; `uname` says what was booted, and is never changed. */
export function effectiveText({ kernel, loaded }: AgentStatus): string {
  return `${kernel.release}${loaded === null ? '' : `+tuxtape.${loaded.number}`}\n`;
}

/** A file for node-exporter's textfile collector (the Prometheus text format, version 0.0.4). */
export function metricsText(status: AgentStatus): string {
  const lines: string[] = [];
  const gauge = (name: string, help: string, samples: readonly (readonly [labels: string, value: number])[]): void => {
    if (samples.length === 0) return;
    lines.push(`# HELP tuxtape_agent_${name} ${help}`, `# TYPE tuxtape_agent_${name} gauge`);
    for (const [labels, value] of samples) lines.push(`tuxtape_agent_${name}${labels} ${value}`);
  };
  const seconds = (time: string | null): readonly (readonly [string, number])[] =>
    time === null ? [] : [['', Math.floor(Date.parse(time) / 1000)]];
  const oneOf = (label: string, values: readonly string[], value: string): readonly (readonly [string, number])[] =>
    values.map((one) => [`{${label}="${one}"}`, one === value ? 1 : 0]);
  gauge('last_run_timestamp_seconds', 'When the agent last ended a run.', seconds(status.at));
  gauge(
    'last_contact_timestamp_seconds',
    'When the archive was last read and believed.',
    seconds(status.archive.lastContact),
  );
  gauge('metadata_expires_timestamp_seconds', 'When it stops being believed.', seconds(status.archive.metadataExpires));
  gauge('state', 'State of the release at work.', oneOf('state', agentStates, status.state));
  gauge(
    'standing',
    'What this host is by the archive.',
    oneOf('standing', ['current', 'behind', 'unknown'], status.standing),
  );
  gauge('level', 'What this host refuses.', oneOf('level', levels, status.level));
  gauge('release_number', 'Release whose livepatch is on; 0: none.', [['', status.loaded?.number ?? 0]]);
  gauge('cves_closed', 'CVEs that it closes.', [['', status.loaded?.cves.length ?? 0]]);
  gauge('unclean_boots', 'Boots in a row that went down after a load.', [['', status.uncleanBoots]]);
  gauge('alarm', 'A person has to look at this host.', [['', status.alarm === null ? 0 : 1]]);
  gauge(
    'problem',
    'Why the last run did not do its work.',
    status.error === null ? [] : [[`{code="${status.error.code}"}`, 1]],
  );
  return `${lines.join('\n')}\n`;
}

/** For people. */
export function statusText(status: AgentStatus): string {
  const { kernel, loaded, archive, error } = status;
  const lines = [
    `kernel    ${kernel.release} (build-id ${kernel.buildId})`,
    `livepatch ${loaded === null ? 'none' : `release ${loaded.number}, ${loaded.moduleName}, ${loaded.cves.length} CVEs`}`,
    `state     ${status.state}${status.release === null ? '' : ` (release ${status.release.number})`}`,
    `standing  ${standingWords(status)}`,
    `archive   ${archive.url}, last read ${archive.lastContact ?? 'never'}`,
    ...(archive.unreachableSince === null
      ? []
      : [`          not reached or not believed since ${archive.unreachableSince}`]),
    ...serverLines(status),
    ...(status.level === 'normal' ? [] : [`level     ${status.level}`]),
    ...status.failed.map(({ number, how, why }) => `failed    release ${number} (${how}): ${why}`),
    ...status.recalled.map(({ number, reason }) => `recalled  release ${number}: ${reason}`),
    ...(status.alarm === null ? [] : [`ALARM     ${status.alarm}`]),
    ...(error === null ? [] : [`error     ${error.code}: ${error.what}`]),
    ...(error?.remedy === null || error === null ? [] : [`          ${error.remedy}`]),
    ...(status.note === '' ? [] : [`note      ${status.note}`]),
    `as of     ${status.at}`,
  ];
  return `${lines.join('\n')}\n`;
}

function standingWords({ standing, loaded }: AgentStatus): string {
  if (standing === 'unknown') return 'unknown: what this host lacks cannot be said';
  if (standing === 'behind') return 'behind: there is a release that this host does not run';
  return `current: ${loaded === null ? 'this kernel has no release yet' : 'the newest release of this kernel is on'}`;
}

function serverLines({ server }: AgentStatus): string[] {
  if (server === null) return [];
  const { lastContact, unreachableSince, error } = server;
  const lost = unreachableSince === null ? [] : [`          not told since ${unreachableSince}: ${error ?? 'unknown'}`];
  return [`server    last told ${lastContact ?? 'never'}`, ...lost];
}
