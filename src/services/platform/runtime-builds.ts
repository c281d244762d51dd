import type { Clock } from '../../domain/clock.ts'
import type { Runtime, RuntimeImages, RuntimeStore } from '../../domain/functions/runtime.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Log } from '../../domain/runs/log.ts'

export interface RuntimeBuildsParts {
  runtimes: RuntimeStore
  pool: Pool
  images: RuntimeImages
  /** Its cache is cleared for each written row. */
  targets: { forgetRuntime(id: string): void }
  clock: Clock
  log: Log
}

/** Longest wait for the image and first worker of a new or upgraded runtime. */
const prepareTimeoutMs = 600_000

/** Prepares a runtime in the background when it is new or gets another image, and records the result in its row. */
export class RuntimeBuilds {
  #parts: RuntimeBuildsParts
  #pending = new Set<Promise<void>>()
  #isClosed = false

  constructor(parts: RuntimeBuildsParts) {
    this.#parts = parts
  }

  /** Ends with the state `available` or `error`. */
  start(runtime: Runtime): void {
    this.#inBackground(this.#build(runtime))
  }

  /** Ends with the state `available`: with the new image, or with the old one when the new one fails. */
  startUpgrade(runtime: Runtime, oldImage: string): void {
    this.#inBackground(this.#upgrade(runtime, oldImage))
  }

  addPool({ id, image, minMemoryBytes: memoryBytes, trusted }: Runtime): void {
    this.#parts.pool.addRuntime({ id, image, memoryBytes, trusted })
  }

  /** Ignores trials that are still running: their workers end with the server, which says nothing about the image. */
  close(): void {
    this.#isClosed = true
  }

  /** Resolves when no trial is running. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  async #build(runtime: Runtime): Promise<void> {
    const isGood = await this.#prepare(runtime)
    const now = this.#unfinished(runtime.id)
    if (now === null) return
    this.#write({ ...now, status: isGood ? 'available' : 'error' })
    if (isGood) this.addPool(now)
  }

  async #upgrade(runtime: Runtime, oldImage: string): Promise<void> {
    const isGood = await this.#prepare(runtime)
    const now = this.#unfinished(runtime.id)
    if (now === null) return
    this.#write({ ...now, image: isGood ? runtime.image : oldImage, status: 'available' })
    if (!isGood) return
    this.#parts.pool.removeRuntime(runtime.id)
    this.addPool(runtime)
  }

  /** Null: it was deleted, or the next start continues. */
  #unfinished(id: string): Runtime | null {
    return this.#isClosed ? null : this.#parts.runtimes.find(id)
  }

  async #prepare(runtime: Runtime): Promise<boolean> {
    const { images, clock, log } = this.#parts
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(prepareTimeoutMs, () => late.reject(new Error('The image took too long.')))
    try {
      await Promise.race([images.prepare(runtime), late.promise])
      return true
    } catch (error) {
      log.warn({ runtime: runtime.id, image: runtime.image, err: error }, 'runtime cannot be used')
      return false
    } finally {
      cancel()
    }
  }

  #write(runtime: Runtime): void {
    this.#parts.runtimes.update({ ...runtime, updatedAt: this.#parts.clock.now() })
    this.#parts.targets.forgetRuntime(runtime.id)
  }

  #inBackground(work: Promise<void>): void {
    const pending = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'work on a runtime failed'))
      .finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }
}
