export { scoreOf } from './cvss.ts';
export { type FeedCode, FeedError } from './error.ts';
export { type Epoch, type EpochDelta, type EpochItem, epochDelta, findEpochs, mirror, readMails } from './lore.ts';
export { type ParsedMail, parseMail } from './mail.ts';
export { readVersionLines, sectionsOf } from './mail-sections.ts';
export { parseDyad, parseRecord } from './record.ts';
export { buildSampleFeed, importStream, readSample, type SampleCve, sampleMail, sampleRecord } from './sample.ts';
export { commitTime, listVulns, readRecords, type VulnsEntry, type VulnsItem, vanished } from './vulns.ts';
