export { ReportGatherer, type Sink } from './gather.ts';
export type { LivepatchEvent, LivepatchStep } from './livepatch.ts';
export { refusalTexts, startTexts } from './starts/index.ts';
