/** A priority queue of events, the earliest first; equal times keep their order of insertion. */
export class EventHeap<T> {
  #times: number[] = []
  #orders: number[] = []
  #events: T[] = []
  #added = 0

  /** Time of the next event; infinite when there is none. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  add(at: number, event: T): void {
    let place = this.#times.length
    const order = this.#added++
    this.#times.push(at)
    this.#orders.push(order)
    this.#events.push(event)
    while (place > 0) {
      const above = (place - 1) >> 1
      if ((this.#times[above] as number) <= at) break
      this.#move(above, place)
      place = above
    }
    this.#put(place, at, order, event)
  }

  /** Undefined when there is none. */
  next(): T | undefined {
    const first = this.#events[0]
    const at = this.#times.pop()
    const order = this.#orders.pop() as number
    const event = this.#events.pop() as T
    if (at === undefined || this.#times.length === 0) return first
    this.#sink(at, order, event)
    return first
  }

  #sink(at: number, order: number, event: T): void {
    const size = this.#times.length
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      if (below + 1 < size && this.#isBefore(below + 1, this.#times[below] as number, this.#orders[below] as number))
        below++
      if (!this.#isBefore(below, at, order)) break
      this.#move(below, place)
      place = below
    }
    this.#put(place, at, order, event)
  }

  #isBefore(place: number, at: number, order: number): boolean {
    const own = this.#times[place] as number
    return own < at || (own === at && (this.#orders[place] as number) < order)
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#orders[from] as number, this.#events[from] as T)
  }

  #put(place: number, at: number, order: number, event: T): void {
    this.#times[place] = at
    this.#orders[place] = order
    this.#events[place] = event
  }
}
