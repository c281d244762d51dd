import { invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { type Finding, warning } from '../../domain/platform/finding.ts'
import { type Machines, matchesPlacement, type Placement, placementText } from '../../domain/platform/machine.ts'

const mostLabels = 8
const labelName = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/
const labelValue = /^[A-Za-z0-9._/-]{1,63}$/

/** Checks the form of the labels, without asking the nodes. Throws FaasError `invalid_request`. */
export function checkPlacement(placement: Placement): void {
  const labels = Object.entries(placement)
  if (labels.length > mostLabels)
    throw invalid(`"placement" has ${labels.length} labels; at most ${mostLabels} are allowed.`)
  for (const [name, value] of labels) {
    if (labelName.test(name) && labelValue.test(value)) continue
    const quoted = JSON.stringify(`${name}=${value}`.slice(0, 150))
    throw invalid(
      `"placement" has the label ${quoted}: names and values are 1 to 63 letters, digits, ".", "_", "/" or "-".`,
    )
  }
}

/** Where functions may ask to run: on machines that an engine tells apart by labels. */
export class Placements {
  #machines: Pick<Machines, 'now'> | undefined

  /** Undefined: the engine has one machine. */
  constructor(machines: Pick<Machines, 'now'> | undefined) {
    this.#machines = machines
  }

  /** Throws FaasError `invalid_request`. A label that no node has yet may come. */
  check(placement: Placement | undefined): void {
    if (this.#machines !== undefined || Object.keys(placement ?? {}).length === 0) return
    throw invalid(
      '"placement" names nodes of a swarm (TAIBAI_ENGINE=swarm), and this server runs functions on one machine: leave it out.',
    )
  }

  /** Functions that no node may run now. */
  findings(functions: readonly Pick<Fn, 'id' | 'name' | 'placement'>[]): Finding[] {
    const machines = this.#machines?.now() ?? []
    const placed = functions.filter(({ placement }) => Object.keys(placement).length > 0)
    return placed.flatMap(({ id, name, placement }) => {
      if (machines.some(({ labels, isOpen }) => isOpen && matchesPlacement(labels, placement))) return []
      const says = `No node that takes tasks has the labels of the function ${name ?? id} (${placementText(placement)}): its calls are refused, or wait.`
      return [warning('swarm', says, 'docker node update --label-add NAME=VALUE NODE, or change its placement.')]
    })
  }
}
