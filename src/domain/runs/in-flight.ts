const smallest = 64

/**
 * A map of what comes and goes by the thousand a second, changed in place. A `Map` makes a new table whenever the deleted have
 * filled one, and V8 leaves in each table a reference to the next: as soon as one of them is old, whatever was in any table
 * after it lives until the next full collection, and every small one copies it (a quarter of what calls allocate, and 25 ms
 * in place of 1). In no order.
 */
export class InFlight<Key, Value> {
  #hash: (key: Key) => number
  /** Hash of the key in each place; 0: the place is empty. */
  #hashes = new Int32Array(smallest)
  #keys: (Key | undefined)[] = places(smallest)
  #values: (Value | undefined)[] = places(smallest)
  #size = 0

  /** `hash`: an integer that is different for most keys in its lowest bits. */
  constructor(hash: (key: Key) => number) {
    this.#hash = hash
  }

  get size(): number {
    return this.#size
  }

  get(key: Key): Value | undefined {
    if (this.#size === 0) return undefined
    return this.#values[this.#placeOf(key, this.#hashOf(key))]
  }

  has(key: Key): boolean {
    return this.#hashes[this.#placeOf(key, this.#hashOf(key))] !== 0
  }

  set(key: Key, value: Value): void {
    if (this.#size * 2 >= this.#hashes.length) this.#resize(this.#hashes.length * 2)
    const hash = this.#hashOf(key)
    const at = this.#placeOf(key, hash)
    if (this.#hashes[at] === 0) this.#size++
    this.#fill(at, hash, key, value)
  }

  /** True when it was there. */
  delete(key: Key): boolean {
    if (this.#size === 0) return false
    const at = this.#placeOf(key, this.#hashOf(key))
    if (this.#hashes[at] === 0) return false
    this.#size--
    this.#empty(at)
    if (this.#size === 0 && this.#hashes.length > smallest) this.#resize(smallest)
    return true
  }

  clear(): void {
    this.#size = 0
    this.#begin(smallest)
  }

  values(): Value[] {
    const values: Value[] = []
    for (const [at, hash] of this.#hashes.entries()) if (hash !== 0) values.push(this.#values[at] as Value)
    return values
  }

  /** Never 0. */
  #hashOf(key: Key): number {
    return this.#hash(key) | 0 || 1
  }

  /** Where the key is, or would be put. */
  #placeOf(key: Key, hash: number): number {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    let at = hash & mask
    while (hashes[at] !== 0 && (hashes[at] !== hash || this.#keys[at] !== key)) at = (at + 1) & mask
    return at
  }

  #fill(at: number, hash: number, key: Key | undefined, value: Value | undefined): void {
    this.#hashes[at] = hash
    this.#keys[at] = key
    this.#values[at] = value
  }

  /** Those behind it that would not be found past an empty place move up. */
  #empty(from: number): void {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    let hole = from
    for (let at = (hole + 1) & mask; hashes[at] !== 0; at = (at + 1) & mask) {
      const hash = hashes[at] as number
      if (((at - hash) & mask) < ((at - hole) & mask)) continue
      this.#fill(hole, hash, this.#keys[at], this.#values[at])
      hole = at
    }
    this.#fill(hole, 0, undefined, undefined)
  }

  #begin(length: number): void {
    this.#hashes = new Int32Array(length)
    this.#keys = places(length)
    this.#values = places(length)
  }

  #resize(length: number): void {
    const [hashes, keys, values] = [this.#hashes, this.#keys, this.#values]
    this.#begin(length)
    for (const [before, hash] of hashes.entries()) {
      if (hash !== 0) this.#fill(this.#placeOf(keys[before] as Key, hash), hash, keys[before], values[before])
    }
  }
}

const places = (length: number): undefined[] => new Array<undefined>(length).fill(undefined)

/** A hash of an execution's id from its last digits, which are random. */
export function hashOfId(id: string): number {
  let hash = 0
  for (let at = id.length - 6; at < id.length; at++) hash = (hash << 5) - hash + id.charCodeAt(at)
  return hash
}

/**
 * A hash of consecutive numbers: side by side they would be one row without a gap, which each `delete` would have to search.
 */
export const hashOfNumber = (number: number): number => Math.imul(number, 0x9e3779b1)
