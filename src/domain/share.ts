/** Beyond the limit, a door is kept open for projects that hold little: one that fills the queue does not close it to others. */
const spareShare = 0.25
const littleShare = 1 / 16

/** Whether a project may take this much more of what all share. A single project has all of `limit`. */
export function mayTake(amount: number, held: number, heldByProject: number, limit: number): boolean {
  if (held + amount <= limit) return true
  return heldByProject + amount <= limit * littleShare && held + amount <= limit * (1 + spareShare)
}
