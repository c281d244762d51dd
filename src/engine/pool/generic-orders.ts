import { FairQueue } from '../../domain/fair-queue.ts'
import type { OrderedWorker, WorkerOrder } from './generic-order.ts'

export interface WaitingOrder extends WorkerOrder {
  resolve(got: OrderedWorker): void
  reject(error: unknown): void
}

/**
 * The orders that wait for a generic worker. Projects take turns: a thousand orders of one project (`min_workers`) delay the call
 * of another by one start.
 */
export class GenericOrders {
  #line = new FairQueue<WaitingOrder>()

  get size(): number {
    return this.#line.size
  }

  add(order: WaitingOrder): void {
    this.#line.add(order.projectId, order)
  }

  has(order: WaitingOrder): boolean {
    return this.#line.has(order.projectId, order)
  }

  delete(order: WaitingOrder): void {
    this.#line.delete(order.projectId, (one) => one === order)
  }

  /** The order that `take` would return. */
  first(): WaitingOrder | undefined {
    return this.#line.first()
  }

  /** Takes out the next order; its project then comes after the others. */
  take(): WaitingOrder | undefined {
    return this.#line.next()
  }

  /** Answers the orders whose worker is not needed any more. */
  dropNeedless(): void {
    this.#line.deleteEach((order) => {
      const isNeeded = order.isNeeded()
      if (!isNeeded) order.resolve(null)
      return !isNeeded
    })
  }
}
