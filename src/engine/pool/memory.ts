import { onlyMachine, type Placement } from '../../domain/platform/machine.ts'
import {
  type ChosenMachine,
  chooseMachine,
  type MachineView,
  machinesFor,
  type SimilarWorkersAt,
} from './policy/placement.ts'
import type { Evictable } from './policy/pool-policy.ts'

/** The project that holds the memory; null: a generic worker, which belongs to no project. */
export type MemoryOwner = string | null

/** The limit and the facts of one machine. */
export type MachineLimit = Omit<MachineView, 'usedBytes'>

/** Why a worker can never run: no machine is large enough (although all together are), or none has the labels. */
export type NeverFits = 'too_large' | 'too_large_for_each' | 'no_labels'

/**
 * The memory limits of all workers, by machine. This class is passive: it says which workers must be evicted, and the caller evicts
 * them. A reservation stays until it is released.
 */
export class Memory {
  #onFree: () => void
  #machines = new Map<string, MachineView>()
  #usedBytes = 0
  #heldBy = new Map<MemoryOwner, number>()
  /** Machines on which a worker could not be started, and until when others are preferred. */
  #doubted = new Map<string, number>()

  /** `limitBytes`: of the only machine, until `setMachines` names others. `onFree`: called when memory was released or may be. */
  constructor(limitBytes: number, onFree: () => void) {
    this.#onFree = onFree
    this.#machines.set(onlyMachine, { id: onlyMachine, limitBytes, usedBytes: 0, labels: {}, isOpen: true })
  }

  /** Replaces the machines. Memory that is held on a removed machine stays counted until it is released. */
  setMachines(machines: MachineLimit[]): void {
    const before = this.#machines
    for (const id of this.#doubted.keys()) if (!machines.some((one) => one.id === id)) this.#doubted.delete(id)
    this.#machines = new Map(machines.map((one) => [one.id, { ...one, usedBytes: before.get(one.id)?.usedBytes ?? 0 }]))
    for (const [id, { usedBytes }] of before) if (usedBytes > 0) this.#machines.get(id) ?? this.#keepGone(id, usedBytes)
    this.#onFree()
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Sum over the machines that take workers now. */
  get limitBytes(): number {
    let sum = 0
    for (const { isOpen, limitBytes } of this.#machines.values()) if (isOpen) sum += limitBytes
    return sum
  }

  /** The machines that take a worker of this size, now or as soon as there is room. */
  openFor(bytes: number, placement: Placement): MachineView[] {
    return machinesFor([...this.#machines.values()], bytes, placement).filter(({ isOpen }) => isOpen)
  }

  /** Whether a worker of a function with this placement may run on the machine. */
  mayBeAt(machine: string, placement: Placement): boolean {
    return this.openFor(0, placement).some(({ id }) => id === machine)
  }

  /** Returns null when the worker fits on a machine, even one that takes no workers now. */
  neverFits(bytes: number, placement: Placement): NeverFits | null {
    const all = [...this.#machines.values()]
    if (machinesFor(all, bytes, placement).length > 0) return null
    if (machinesFor(all, 0, placement).length === 0 && Object.keys(placement).length > 0) return 'no_labels'
    return bytes <= this.limitBytes ? 'too_large_for_each' : 'too_large'
  }

  heldBy(owner: MemoryOwner): number {
    return this.#heldBy.get(owner) ?? 0
  }

  /**
   * Reserves the bytes on one of these machines. Returns the machine and the candidates that must be evicted there: none while there
   * is room. Returns null and reserves nothing when all candidates together are not enough.
   */
  reserve<Candidate extends Evictable>(
    bytes: number,
    owner: MemoryOwner,
    machines: MachineView[],
    likeAt: SimilarWorkersAt,
    candidates: () => Candidate[],
  ): ChosenMachine<Candidate> | null {
    const chosen = chooseMachine(bytes, machines, likeAt, candidates)
    if (chosen !== null) this.#count(bytes, owner, chosen.machine)
    return chosen
  }

  /** A worker could not be started there: until then, others are preferred. */
  avoid(machine: string, untilMs: number): void {
    this.#doubted.set(machine, untilMs)
  }

  isAvoided(machine: string, nowMs: number): boolean {
    return nowMs < (this.#doubted.get(machine) ?? Number.NEGATIVE_INFINITY)
  }

  /** Moves a reservation from one owner to another. */
  transfer(bytes: number, from: MemoryOwner, to: MemoryOwner): void {
    this.#countOwner(-bytes, from)
    this.#countOwner(bytes, to)
  }

  release(bytes: number, owner: MemoryOwner, machine: string = onlyMachine): void {
    if (bytes === 0) return
    this.#count(-bytes, owner, machine)
    this.#onFree()
  }

  /** A worker became idle: entries of the memory queue may evict it. */
  noteIdle(): void {
    this.#onFree()
  }

  #count(bytes: number, owner: MemoryOwner, machine: string): void {
    this.#usedBytes += bytes
    const on = this.#machines.get(machine)
    if (on !== undefined) on.usedBytes += bytes
    if (on !== undefined && on.limitBytes === 0 && on.usedBytes === 0 && !on.isOpen) this.#machines.delete(machine)
    this.#countOwner(bytes, owner)
  }

  #countOwner(bytes: number, owner: MemoryOwner): void {
    const held = this.heldBy(owner) + bytes
    if (held === 0) this.#heldBy.delete(owner)
    else this.#heldBy.set(owner, held)
  }

  #keepGone(id: string, usedBytes: number): void {
    this.#machines.set(id, { id, limitBytes: 0, usedBytes, labels: {}, isOpen: false })
  }
}
