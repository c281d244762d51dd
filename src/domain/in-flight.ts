const smallest = 64

/**
 * A map of what comes and goes by the thousand a second, changed in place. A `Map` makes a new table whenever the deleted have
 * filled one, and V8 leaves in each table a reference to the next: as soon as one of them is old, whatever was in any table
 * after it lives until the next full collection, and every small one copies it (a quarter of what calls allocate, and 25 ms
 * in place of 1). In no order.
 */
export class InFlight<Key, Value> {
  #hash: (key: Key) => number
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
    return this.#values[this.#placeOf(key)]
  }

  has(key: Key): boolean {
    return this.#keys[this.#placeOf(key)] !== undefined
  }

  set(key: Key, value: Value): void {
    if (this.#size * 2 >= this.#keys.length) this.#resize(this.#keys.length * 2)
    const at = this.#placeOf(key)
    if (this.#keys[at] === undefined) this.#size++
    this.#keys[at] = key
    this.#values[at] = value
  }

  /** True when it was there. */
  delete(key: Key): boolean {
    const at = this.#placeOf(key)
    if (this.#keys[at] === undefined) return false
    this.#size--
    this.#empty(at)
    if (this.#size === 0 && this.#keys.length > smallest) this.#resize(smallest)
    return true
  }

  clear(): void {
    this.#keys = places(smallest)
    this.#values = places(smallest)
    this.#size = 0
  }

  values(): Value[] {
    const values: Value[] = []
    for (const [at, key] of this.#keys.entries()) if (key !== undefined) values.push(this.#values[at] as Value)
    return values
  }

  /** Where the key is, or would be put. */
  #placeOf(key: Key): number {
    const mask = this.#keys.length - 1
    let at = this.#hash(key) & mask
    while (this.#keys[at] !== undefined && this.#keys[at] !== key) at = (at + 1) & mask
    return at
  }

  /** Those behind it that would not be found past an empty place move up. */
  #empty(from: number): void {
    const mask = this.#keys.length - 1
    let hole = from
    for (let at = (hole + 1) & mask; this.#keys[at] !== undefined; at = (at + 1) & mask) {
      const home = this.#hash(this.#keys[at] as Key) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.#keys[hole] = this.#keys[at]
      this.#values[hole] = this.#values[at]
      hole = at
    }
    this.#keys[hole] = undefined
    this.#values[hole] = undefined
  }

  #resize(length: number): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = places(length)
    this.#values = places(length)
    for (const [before, key] of keys.entries()) {
      if (key === undefined) continue
      const at = this.#placeOf(key)
      this.#keys[at] = key
      this.#values[at] = values[before]
    }
  }
}

const places = (length: number): undefined[] => new Array<undefined>(length).fill(undefined)

/** Of an execution's id, whose last digits are random. */
export function hashOfId(id: string): number {
  let hash = 0
  for (let at = id.length - 6; at < id.length; at++) hash = (hash << 5) - hash + id.charCodeAt(at)
  return hash
}

export const hashOfNumber = (number: number): number => number
