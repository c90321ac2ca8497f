import { setTimeout } from 'node:timers/promises';
import type { Config } from '#config';
import type { SignalDoor } from '#feed';
import { fetchBytes } from '#host';
import type { SignalSettings } from './signals.ts';

const TIMEOUT_MS = 120_000;
const MAX_REDIRECTS = 3;

/** The signal sources as configured. */
export function signalSettings(config: Config): SignalSettings {
  return {
    nvd: {
      url: config.text('signals.nvd.url'),
      key: config.text('signals.nvd.key'),
      seconds: config.number('signals.nvd.interval'),
    },
    kev: { url: config.text('signals.kev.url'), seconds: config.number('signals.kev.interval') },
    vulnrichment: {
      url: config.text('signals.vulnrichment.url'),
      seconds: config.number('signals.vulnrichment.interval'),
    },
    epss: { url: config.text('signals.epss.url'), seconds: config.number('signals.epss.interval') },
    exploits: {
      directory: config.text('signals.exploits.directory'),
      list: config.text('signals.exploits.list'),
      seconds: config.number('signals.exploits.interval'),
    },
  };
}

/** The real outside; every wait ends when `signal` is aborted. */
export function signalDoor(signal: AbortSignal): SignalDoor {
  return {
    get: (url, maxBytes, headers = {}) =>
      fetchBytes(url, { timeoutMs: TIMEOUT_MS, maxBytes, headers, maxRedirects: MAX_REDIRECTS, signal }),
    sleep: (ms) => setTimeout(ms, undefined, { signal }),
    now: () => new Date(),
  };
}
