/** A queue in which keys take turns; first in, first out within a key. */
export class FairQueue<Item> {
  #lanes = new Map<string, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(key: string, item: Item): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) this.#lanes.set(key, [item])
    else lane.push(item)
    this.#size++
  }

  has(key: string, item: Item): boolean {
    return this.#lanes.get(key)?.includes(item) ?? false
  }

  /** The item that `next` would return for every key. */
  first(): Item | undefined {
    const [lane] = this.#lanes.values()
    return lane?.[0]
  }

  delete(key: string, isOut: (item: Item) => boolean): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    const left = lane.filter((item) => !isOut(item))
    this.#size -= lane.length - left.length
    // The key keeps its turn.
    if (left.length > 0) this.#lanes.set(key, left)
    else this.#lanes.delete(key)
  }

  deleteEach(isOut: (item: Item) => boolean): void {
    for (const key of [...this.#lanes.keys()]) this.delete(key, isOut)
  }

  /** Takes out the next item of the keys that `mayGo` admits; its key then moves behind the others. */
  next(mayGo: (key: string) => boolean = () => true): Item | undefined {
    for (const [key, lane] of this.#lanes) {
      if (!mayGo(key)) continue
      const item = lane.shift()
      this.#lanes.delete(key)
      if (lane.length > 0) this.#lanes.set(key, lane)
      this.#size--
      return item
    }
    return undefined
  }
}
