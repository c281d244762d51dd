import type { NodeAnswer } from './service-options.ts'

/** How long the end of a node's tasks is doubted after the node has joined anew. */
const doubtMs = 30_000

/**
 * Nodes whose engines have lately begun to speak to the manager anew. Such an engine reports what ended with the one before as failed,
 * with the code of the signal, although a node that comes back within its heartbeats was never down.
 */
export class NodeRestarts {
  /** The version of each node's record, which the manager changes whenever the node joins. */
  #versions = new Map<string, number>()
  /** Nodes in doubt. */
  #fresh = new Map<string, NodeJS.Timeout>()

  note(nodes: Pick<NodeAnswer, 'ID' | 'Version'>[]): void {
    for (const { ID, Version } of nodes) {
      const version = Version?.Index ?? 0
      const known = this.#versions.get(ID)
      this.#versions.set(ID, version)
      if (known !== undefined && known !== version) this.#doubt(ID)
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
