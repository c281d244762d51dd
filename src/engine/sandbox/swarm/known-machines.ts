import { isDeepStrictEqual } from 'node:util'
import type { Machine, Machines } from '../../../domain/platform/machine.ts'
import type { Log } from '../../../domain/runs/log.ts'
import type { NodeAnswer } from './service-options.ts'
import { machinesOf } from './task-state.ts'

/** The nodes of the swarm as they were last seen. */
export class KnownMachines implements Machines {
  #machines: Machine[]
  #log: Log
  #onChange: () => void = () => {}

  constructor(nodes: NodeAnswer[], log: Log) {
    this.#machines = machinesOf(nodes)
    this.#log = log
  }

  now(): Machine[] {
    return this.#machines
  }

  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  note(nodes: NodeAnswer[]): void {
    const machines = machinesOf(nodes)
    if (isDeepStrictEqual(machines, this.#machines)) return
    this.#machines = machines
    const open = machines.filter(({ isOpen }) => isOpen).map(({ name }) => name)
    this.#log.info({ nodes: open }, 'the nodes of the swarm changed')
    this.#onChange()
  }
}
