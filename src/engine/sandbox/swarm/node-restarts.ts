import type { NodeAnswer } from './service-options.ts'

/** How long the end of a node's tasks is doubted after the node has joined anew. */
const doubtMs = 30_000

/**
 * Nodes whose engines have lately begun to speak to the manager anew. Such an engine reports what ended with the one before as failed,
 * with the code of the signal, although a node that comes back within its heartbeats was never down.
 */
export class NodeRestarts {
  /** The version of each node's record, which the manager changes whenever the node joins; and when it was last seen to change. */
  #records = new Map<string, { version: number; changedAt: number }>()

  note(nodes: Pick<NodeAnswer, 'ID' | 'Version'>[], nowMs: number): void {
    for (const { ID, Version } of nodes) {
      const version = Version?.Index ?? 0
      const known = this.#records.get(ID)
      if (known === undefined) this.#records.set(ID, { version, changedAt: Number.NEGATIVE_INFINITY })
      else if (known.version !== version) this.#records.set(ID, { version, changedAt: nowMs })
    }
  }

  isFresh(node: string | undefined, nowMs: number): boolean {
    const changedAt = this.#records.get(node ?? '')?.changedAt ?? Number.NEGATIVE_INFINITY
    return nowMs - changedAt < doubtMs
  }
}
