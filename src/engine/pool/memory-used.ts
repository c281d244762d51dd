import type { PoolWorker } from './pool-worker.ts'

/** Measurements at once: an engine is asked for each worker whose memory cannot be read here. */
const atOnce = 8

/** Memory in use by worker, in bytes, measured now. Workers whose memory is not known are left out. */
export async function memoryUsedBy(workers: readonly PoolWorker[]): Promise<Map<string, number>> {
  const used = new Map<string, number>()
  const left = [...workers]
  const measureNext = async (): Promise<void> => {
    for (let worker = left.pop(); worker !== undefined; worker = left.pop()) {
      const bytes = await worker.memoryUsedBytes?.().catch(() => null)
      if (bytes != null) used.set(worker.name, bytes)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, measureNext))
  return used
}
