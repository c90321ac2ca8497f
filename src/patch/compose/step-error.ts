import type { Problem } from '#domain';
import { type PatchCode, PatchError } from '../error.ts';
import type { ComposeStep } from './steps.ts';

/** A step that does not fit; its files have the names of this source. */
export class StepError extends PatchError {
  readonly step: ComposeStep;

  constructor(code: PatchCode, step: ComposeStep, problem: Problem) {
    super(code, 'patch', problem);
    this.step = step;
  }
}
