/**
 * Share of a resource beyond the limit for projects that hold little, so that a project that fills the queue does not exclude
 * others.
 */
const spareShare = 0.25
const littleShare = 1 / 16

/** Whether a project may take `amount` more of a shared resource. A single project may use all of `limit`. */
export function isWithinFairShare(amount: number, held: number, heldByProject: number, limit: number): boolean {
  if (held + amount <= limit) return true
  return heldByProject + amount <= limit * littleShare && held + amount <= limit * (1 + spareShare)
}
