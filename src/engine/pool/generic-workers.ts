import type { Revision } from '../../domain/worker.ts'
import { GenericShape, type GenericWorkersParts, type MakeRoomAhead, type Spare } from './generic-shape.ts'
import type { Shape } from './pool-worker.ts'

/**
 * Workers that are started ahead and belong to nobody yet. Memory that nobody needs holds as many as are taken during one
 * refill; what others need, as many as are worth it. Each holds the memory of its shape until it is bound or ends.
 */
export class GenericWorkers {
  #parts: GenericWorkersParts
  #shapes = new Map<string, GenericShape>()
  /** What the workers of a runtime are started as. */
  #runtimes = new Map<string, Shape>()

  constructor(parts: GenericWorkersParts) {
    this.#parts = parts
  }

  /** Workers of the runtime are kept ready from the next refill on. */
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

  /** The workers that can be bound to this revision. To be used at once: a shape that nobody uses is forgotten. */
  of(revision: Revision): GenericShape {
    const { image, network, api, trusted, sandbox, tmpSizeBytes, runtimeId } = revision
    const memoryBytes = this.#runtimes.get(runtimeId ?? '')?.memoryBytes ?? revision.memoryBytes
    const shape = { image, network, api, trusted, sandbox, memoryBytes, tmpSizeBytes }
    const { fixedCpuMillicpu } = this.#parts
    return this.#shape(fixedCpuMillicpu === null ? shape : { ...shape, ...limitsOf(revision, fixedCpuMillicpu) })
  }

  /** Ready ones that may make room for others. */
  spare(): Spare[] {
    return this.#all().flatMap((kept) => kept.spare())
  }

  /** Number of ready workers of this image. */
  ready(image: string): number {
    return this.#all().reduce((sum, { shape, ready }) => (shape.image === image ? sum + ready : sum), 0)
  }

  /** Starts as many as should be ready: some were taken, memory came free, or time has passed. */
  refill(makeRoom: MakeRoomAhead): void {
    for (const [key, kept] of this.#shapes) {
      if (kept.isEmpty) this.#shapes.delete(key)
      else kept.refill(makeRoom)
    }
  }

  /** Ends the ready ones and starts no more. Resolves when no start is under way. */
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

const keyOf = ({ image, network, api, trusted, sandbox, memoryBytes, tmpSizeBytes, cpu }: Shape): string =>
  `${image} ${network} ${api} ${trusted} ${memoryBytes} ${tmpSizeBytes ?? ''} ${sandbox ?? ''} ${cpu?.millicpu ?? ''} ${cpu?.maxMillicpu ?? ''}`

/** Those that a worker must be started with. A function that asks for no more than what workers get anyway shares theirs. */
function limitsOf(
  { memoryBytes, cpuMillicpu, cpuMaxMillicpu }: Revision,
  usualMillicpu: number,
): Pick<Shape, 'memoryBytes' | 'cpu'> {
  if (cpuMillicpu === usualMillicpu && cpuMaxMillicpu === null) return { memoryBytes }
  return { memoryBytes, cpu: { millicpu: cpuMillicpu, maxMillicpu: cpuMaxMillicpu } }
}
