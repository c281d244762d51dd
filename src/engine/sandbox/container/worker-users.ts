/** The user of a sandbox's processes, as the kernel knows it. */
export interface WorkerUser {
  uid: number
  gid: number
}

/** What the operator decides of them. */
export interface UserRange {
  /** The first user, and the group of all. */
  firstUid: number
  /** How many there are. */
  count: number
}

/**
 * Gives each sandbox a user of its own: what the kernel counts by user (file watches, pipes, pending signals, keys) no function uses
 * up for another. In turn, so that one comes again as late as possible; when all are in use, some are shared.
 */
export class WorkerUsers {
  #range: UserRange
  #name: (user: WorkerUser) => void
  /** By how many sandboxes; those of none are not there. */
  #inUse = new Map<number, number>()
  #next = 0

  /** `name`: gives a user a name and a home, before it is used. */
  constructor(range: UserRange, name: (user: WorkerUser) => void = () => {}) {
    this.#range = range
    this.#name = name
  }

  take(): WorkerUser {
    const { firstUid, count } = this.#range
    for (let tried = 0; tried < count && this.#inUse.has(this.#next); tried++) this.#advance()
    const user = { uid: firstUid + this.#next, gid: firstUid }
    this.#name(user)
    this.#inUse.set(this.#next, (this.#inUse.get(this.#next) ?? 0) + 1)
    this.#advance()
    return user
  }

  giveBack({ uid }: WorkerUser): void {
    const at = uid - this.#range.firstUid
    const others = (this.#inUse.get(at) ?? 1) - 1
    if (others === 0) this.#inUse.delete(at)
    else this.#inUse.set(at, others)
  }

  #advance(): void {
    this.#next = (this.#next + 1) % this.#range.count
  }
}
