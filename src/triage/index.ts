export { decide, type TriagedKernel } from './applicability.ts';
export { type FileFinding, findFile } from './build-rung.ts';
export { type RangeOutcome, rangesRung } from './ranges.ts';
export { FEATURES, features, type ScorableText } from './severity-model/features.ts';
export {
  logit,
  MODEL_FILE,
  type ModelFile,
  predictHigh,
  readModel,
  type SeverityModel,
  shippedModel,
} from './severity-model/model.ts';
