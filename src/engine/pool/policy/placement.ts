import { matchesPlacement, onlyMachine, type Placement } from '../../../domain/platform/machine.ts'
import { chooseEvictions, type Evictable, evictionCost } from './pool-policy.ts'

/** Chooses the machine of a new worker. Pure functions: the swarm gets the decision and only starts the task there. */

export interface MachineView {
  id: string
  /** That its workers may have together. */
  limitBytes: number
  usedBytes: number
  labels: Record<string, string>
  /** It takes new workers. */
  isOpen: boolean
}

/** How many workers of its like a machine has already. */
export type SimilarWorkersAt = (machine: string) => number

export const noSimilarWorkers: SimilarWorkersAt = () => 0

export interface ChosenMachine<Worker extends Evictable> {
  machine: string
  /** Idle workers that make room there. */
  toGo: Worker[]
}

/** Those that could ever hold a worker of this size and placement, whatever they hold now. */
export const machinesFor = (machines: readonly MachineView[], bytes: number, placement: Placement): MachineView[] =>
  machines.filter(({ limitBytes, labels }) => bytes <= limitBytes && matchesPlacement(labels, placement))

/**
 * The machine that a worker comes to. Where there is room, the one with the fewest of its like, so that a lost machine takes few of them
 * away; of those the one that is emptiest. Else where the least worthy idle workers go for it; null when that is not enough on any.
 */
export function chooseMachine<Worker extends Evictable>(
  bytes: number,
  machines: readonly MachineView[],
  likeAt: SimilarWorkersAt,
  candidates: () => readonly Worker[],
): ChosenMachine<Worker> | null {
  const withRoom = machines.filter((machine) => bytes <= freeOf(machine))
  if (withRoom.length > 0) return { machine: least(withRoom, (one) => [likeAt(one.id), fillOf(one)]).id, toGo: [] }
  const idle = machines.length === 0 ? [] : candidates()
  const ways = machines.flatMap((machine) => {
    const toGo = chooseEvictions(bytes - freeOf(machine), onMachine(machine.id, idle))
    return toGo === null ? [] : [{ machine: machine.id, toGo }]
  })
  return ways.length === 0 ? null : least(ways, ({ machine, toGo }) => [worthOf(toGo), likeAt(machine)])
}

/** What the room for `bytes` costs where it costs least; see `evictionCost`. */
export function lowestEvictionCost(
  bytes: number,
  machines: readonly MachineView[],
  candidates: () => readonly Evictable[],
): number {
  if (machines.some((machine) => bytes <= freeOf(machine))) return 0
  const idle = candidates()
  const prices = machines.map(({ id, ...machine }) => evictionCost(bytes, freeOf(machine), () => onMachine(id, idle)))
  return Math.min(Number.POSITIVE_INFINITY, ...prices)
}

export const freeOf = ({ limitBytes, usedBytes }: Pick<MachineView, 'limitBytes' | 'usedBytes'>): number =>
  limitBytes - usedBytes

const fillOf = ({ limitBytes, usedBytes }: MachineView): number => usedBytes / limitBytes

const worthOf = (workers: readonly Evictable[]): number =>
  workers.reduce((sum, { worth, memoryBytes }) => sum + worth * memoryBytes, 0)

function onMachine<Worker extends Evictable>(id: string, workers: readonly Worker[]): readonly Worker[] {
  return id === onlyMachine ? workers : workers.filter(({ machine }) => machine === id)
}

/** By the first number, then by the second; of equal ones the first. */
function least<T>(all: readonly T[], by: (one: T) => [number, number]): T {
  return all.reduce((best, one) => {
    const [a, b] = [by(one), by(best)]
    return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]) ? one : best
  })
}
