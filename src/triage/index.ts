export { decide, overridden, type TriagedKernel } from './applicability.ts';
export { type FileFinding, findFile } from './file-finding.ts';
export { exposureOf } from './fleet-rung.ts';
export { byPriority, classRank, type Exposure, type PersonalView, type RankInput, rank } from './priority/rank.ts';
export { type Reach, reachOf } from './priority/reach.ts';
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
export { type CycloneDx, toCycloneDx } from './vex/cyclonedx.ts';
export { type OpenVex, toOpenVex } from './vex/openvex.ts';
export {
  isBomLink,
  isPurl,
  isVersionedPurl,
  kernelPurl,
  type VexOrigin,
  type VexProduct,
  type VexStatement,
  vexUuid,
} from './vex/vex.ts';
