export { decide, type TriagedKernel } from './applicability.ts';
export { type FileFinding, findFile } from './build-rung.ts';
export { type RangeOutcome, rangesRung } from './ranges.ts';
