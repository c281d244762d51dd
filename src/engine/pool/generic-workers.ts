import { canonicalText } from '../../domain/functions/revision.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import type { IdleGeneric, MakeRoomAhead } from './generic-order.ts'
import { GenericShape, type GenericWorkersParts } from './generic-shape.ts'
import type { SimilarWorkersAt } from './policy/placement.ts'
import type { PoolWorker, Shape } from './pool-worker.ts'

/**
 * Workers that are started before a function needs them and belong to no function yet. Free memory holds as many as one refill
 * period consumes; memory that others need is taken only when the gain is higher. Each reserves the memory of its shape until it
 * is bound or ends.
 */
export class GenericWorkers {
  #parts: GenericWorkersParts
  #shapes = new Map<string, GenericShape>()
  /** The shape of the workers of each runtime. */
  #runtimes = new Map<string, Shape>()

  constructor(parts: GenericWorkersParts) {
    this.#parts = parts
  }

  /** From the next refill on, workers of the runtime are kept ready. */
  addRuntime(id: string, shape: Shape): void {
    this.#shape(shape).wanted++
    this.removeRuntime(id)
    this.#runtimes.set(id, shape)
  }

  removeRuntime(id: string): void {
    const shape = this.#runtimes.get(id)
    if (shape === undefined) return
    this.#runtimes.delete(id)
    const kept = this.#shape(shape)
    if (--kept.wanted === 0) kept.endReady()
  }

  /** The workers that can be bound to this revision. Use the result at once: an unused shape is removed. */
  of(revision: Revision): GenericShape {
    const { image, network, api, trusted, sandbox, tmpSizeBytes, placement, runtimeId } = revision
    const memoryBytes = this.#runtimes.get(runtimeId ?? '')?.memoryBytes ?? revision.memoryBytes
    const shape = { image, network, api, trusted, sandbox, memoryBytes, tmpSizeBytes, placement }
    const { fixedCpuMillicpu } = this.#parts
    return this.#shape(fixedCpuMillicpu === null ? shape : { ...shape, ...limitsOf(revision, fixedCpuMillicpu) })
  }

  /** A ready one, and of which shape it is. One of no placement serves where it happens to fit. */
  take(revision: Revision, likeAt: SimilarWorkersAt): { worker: PoolWorker; generic: GenericShape } | undefined {
    const { placement } = revision
    const shapes = [this.of(revision)]
    if (Object.keys(placement).length > 0) shapes.push(this.of({ ...revision, placement: {} }))
    const fits = (machine: string) => this.#parts.memory.mayBeAt(machine, placement)
    for (const generic of shapes) {
      const worker = generic.take(likeAt, fits)
      if (worker !== undefined) return { worker, generic }
    }
    return undefined
  }

  /** Ready workers that may be evicted. */
  spare(): IdleGeneric[] {
    return this.#all().flatMap((kept) => kept.spare())
  }

  readyWorkers(): PoolWorker[] {
    return this.#all().flatMap(({ readyWorkers }) => readyWorkers)
  }

  /** Number of ready workers of this image. */
  ready(image: string): number {
    return this.#all().reduce((sum, { shape, ready }) => (shape.image === image ? sum + ready : sum), 0)
  }

  /** Starts workers up to the target: some were taken, memory came free, or time has passed. */
  refill(makeRoom: MakeRoomAhead): void {
    for (const [key, kept] of this.#shapes) {
      if (kept.isEmpty) this.#shapes.delete(key)
      else kept.refill(makeRoom)
    }
  }

  /** Ends the ready workers and starts no more. Resolves when no start is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map((kept) => kept.close()))
  }

  #all(): GenericShape[] {
    return [...this.#shapes.values()]
  }

  #shape(shape: Shape): GenericShape {
    const key = keyOf(shape)
    const kept = this.#shapes.get(key) ?? new GenericShape(this.#parts, shape)
    this.#shapes.set(key, kept)
    return kept
  }
}

const keyOf = ({
  image,
  network,
  api,
  trusted,
  sandbox,
  memoryBytes,
  tmpSizeBytes,
  cpu,
  placement = {},
}: Shape): string =>
  `${image} ${network} ${api} ${trusted} ${memoryBytes} ${tmpSizeBytes ?? ''} ${sandbox ?? ''} ${cpu?.millicpu ?? ''} ${cpu?.maxMillicpu ?? ''} ${canonicalText('placement', placement)}`

/** The limits with which a worker must start. A function that asks for no more than the default shares the default workers. */
function limitsOf(
  { memoryBytes, cpuMillicpu, cpuMaxMillicpu }: Revision,
  usualMillicpu: number,
): Pick<Shape, 'memoryBytes' | 'cpu'> {
  if (cpuMillicpu === usualMillicpu && cpuMaxMillicpu === null) return { memoryBytes }
  return { memoryBytes, cpu: { millicpu: cpuMillicpu, maxMillicpu: cpuMaxMillicpu } }
}
