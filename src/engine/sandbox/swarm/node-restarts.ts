import { isDeepStrictEqual } from 'node:util'
import type { NodeAnswer } from './service-options.ts'

type NodeRecord = Pick<NodeAnswer, 'ID' | 'Version' | 'Spec'>

/** How long the end of a node's tasks is doubted after the node has joined anew. */
const doubtMs = 30_000

/**
 * Nodes whose engines have lately begun to speak to the manager anew. Such an engine reports what ended with the one before as failed,
 * with the code of the signal, although a node that comes back within its heartbeats was never down.
 */
export class NodeRestarts {
  /** The record of each node. Its version changes whenever the node joins, and when somebody changes what the node is to be. */
  #records = new Map<string, NodeRecord>()
  /** Nodes in doubt. */
  #fresh = new Map<string, NodeJS.Timeout>()

  note(nodes: NodeRecord[]): void {
    for (const node of nodes) {
      const known = this.#records.get(node.ID)
      this.#records.set(node.ID, node)
      if (known !== undefined && hasJoined(known, node)) this.#doubt(node.ID)
    }
  }

  isFresh(node: string | undefined): boolean {
    return this.#fresh.has(node ?? '')
  }

  #doubt(node: string): void {
    clearTimeout(this.#fresh.get(node))
    const timer = setTimeout(() => this.#fresh.delete(node), doubtMs)
    timer.unref()
    this.#fresh.set(node, timer)
  }
}

/** Labels, availability and role are of the operator: a change of these says nothing about the node's engine. */
const hasJoined = (before: NodeRecord, now: NodeRecord): boolean =>
  (before.Version?.Index ?? 0) !== (now.Version?.Index ?? 0) && isDeepStrictEqual(before.Spec, now.Spec)
