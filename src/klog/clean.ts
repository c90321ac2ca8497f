/** Control sequences of terminals: CSI, OSC and the short ones (ECMA-48, sections 5.3 to 5.6). */
// oxlint-disable-next-line no-control-regex
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?/g;
/** Controls but tab and line feed; C1 too, which some terminals obey. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
// oxlint-disable-next-line no-control-regex
const ALL_CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]+/g;

/** A text without colours, cursor movements, carriage returns and other controls; tab and line feed stay. */
export function cleaned(text: string): string {
  return CONTROLS.test(text) ? text.replace(SEQUENCE, '').replace(ALL_CONTROLS, '') : text;
}
