const FIRST = 1 << 16;

/** Whole numbers in a row that grows; four bytes each. */
export class Growing {
  #numbers = new Int32Array(FIRST);
  length = 0;

  get numbers(): Int32Array {
    return this.#numbers;
  }

  /** The row itself, with room for so many more. */
  room(more: number): Int32Array {
    if (this.length + more > this.#numbers.length) {
      const larger = new Int32Array(Math.max(this.#numbers.length * 2, this.length + more));
      larger.set(this.#numbers.subarray(0, this.length));
      this.#numbers = larger;
    }
    return this.#numbers;
  }
}
