/** The user of a sandbox's processes, as the kernel knows it. */
export interface WorkerUser {
  uid: number
  gid: number
}

/** The users that the operator gives to workers. */
export interface UserRange {
  /** The first user id, and the group of all. */
  firstUid: number
  /** Number of user ids. */
  count: number
}

/**
 * Gives each sandbox a user of its own, so that one function cannot use up kernel limits that count per user (file watches,
 * pipes, pending signals, keys) for another. Ids are assigned in turn, so that each is reused as late as possible; when all are
 * in use, some are shared.
 */
export class WorkerUsers {
  #range: UserRange
  #name: (user: WorkerUser) => void
  /** Number of sandboxes by user id; ids without a sandbox have no entry. */
  #inUse = new Map<number, number>()
  #next = 0

  /** `name`: gives a user a name and a home directory before it is used. */
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

  release({ uid }: WorkerUser): void {
    const at = uid - this.#range.firstUid
    const others = (this.#inUse.get(at) ?? 1) - 1
    if (others === 0) this.#inUse.delete(at)
    else this.#inUse.set(at, others)
  }

  #advance(): void {
    this.#next = (this.#next + 1) % this.#range.count
  }
}
