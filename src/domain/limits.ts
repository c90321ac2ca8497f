/** Limits on hostile input that more than one stage must hold to; a stage's own limits stand beside their use. */
export const MAX_MAIL_BYTES = 1 << 20;
export const MAX_RECORD_BYTES = 4 << 20;
export const MAX_PATCH_BYTES = 1 << 20;
export const MAX_FILES_PER_CVE = 1_000;
export const MAX_RANGES_PER_CVE = 2_000;
