import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn, FunctionStore } from '../../domain/functions/function.ts'
import type { Runtime } from '../../domain/functions/runtime.ts'
import type { Trusts } from '../../domain/platform/openstack.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { SecretStore } from '../../domain/platform/secret.ts'
import type { Runtimes } from '../platform/runtimes.ts'
import type { EngineRefusals } from './engine-refusals.ts'
import {
  checkFieldCombination,
  checkFields,
  checkHosts,
  type FunctionFields,
  type FunctionLimits,
} from './function-fields.ts'
import type { Placements } from './placements.ts'
import type { PublicFunctions } from './public-functions.ts'
import { refuseQueues } from './refuse-queues.ts'
import type { Sandboxes } from './sandboxes.ts'

export interface FunctionChecksParts {
  functions: FunctionStore
  secrets: Pick<SecretStore, 'find'>
  runtimes: Runtimes
  exposed: PublicFunctions
  placements: Pick<Placements, 'check'>
  sandboxes: Pick<Sandboxes, 'check'>
  engineRefusals: Pick<EngineRefusals, 'check'>
  limits: FunctionLimits
  /** Absent without Keystone. */
  trusts?: Trusts
}

/** What a function must agree with: its limits, its runtime, and what else there is. */
export class FunctionChecks {
  #parts: FunctionChecksParts

  constructor(parts: FunctionChecksParts) {
    this.#parts = parts
  }

  /** Checks the given fields one by one. `before`: the function that is changed or replaced; null for a new one. */
  async fields(who: Principal, before: Fn | null, fields: FunctionFields, hasTrust: boolean): Promise<void> {
    const { trusts, placements, sandboxes, limits } = this.#parts
    checkFields(fields, limits)
    this.#hosts(who, before, fields)
    refuseQueues({ hasKeystone: trusts !== undefined, hasTrust }, [fields.onSuccess, fields.onFailure])
    placements.check(fields.placement)
    await sandboxes.check(fields.sandbox)
  }

  /** A function as it would be. `bringsPackage`: one that is not stored yet. */
  whole(wanted: Fn, bringsPackage = false): Fn {
    const { runtimes } = this.#parts
    checkFieldCombination(wanted, wanted.code.source === 'image' ? null : runtimes.boundsById(wanted.runtimeId))
    this.#secrets(wanted)
    this.#parts.engineRefusals.check(wanted, bringsPackage)
    return wanted
  }

  usableRuntime(who: Principal, nameOrId: string | undefined): Runtime {
    if (!nameOrId) throw invalid('"runtime_id" is required (or "runtime", its name): what the function is written in.')
    const runtime = this.#parts.runtimes.byNameOrId(who, nameOrId)
    if (runtime.status === 'available') return runtime
    throw invalid(`Runtime ${nameOrId} is ${runtime.status}; functions can be made when it is available.`)
  }

  /** Checked before the package is stored; the store checks again. `instead`: the function that leaves the name. */
  refuseTakenName({ projectId, name }: Fn, instead: Fn | null): void {
    const there = name === null ? null : this.#parts.functions.findByName(projectId, name)
    if (there === null || there.id === instead?.id) return
    throw new FaasError('conflict', `There is a function named ${name} in this project already.`)
  }

  /** For the moment in which it is written. */
  refuseTakenHosts({ id, hosts }: Fn): void {
    const taken = hosts.find((host) => (this.#parts.exposed.atHost(host)?.id ?? id) !== id)
    if (taken !== undefined) throw isTaken(taken)
  }

  /** A host name leads to one function: the first one that claims it. */
  #hosts(who: Principal, before: Fn | null, { hosts }: FunctionFields): void {
    const isNew = (host: string) => before === null || !before.hosts.includes(host)
    checkHosts(hosts?.filter(isNew), who, this.#parts.limits)
    const taken = hosts?.find((host) => (this.#parts.exposed.atHost(host)?.id ?? before?.id) !== before?.id)
    if (taken !== undefined) throw isTaken(taken)
  }

  /** The secrets must exist in the function's project. */
  #secrets({ projectId, secrets }: Fn): void {
    const missing = secrets.find(({ name }) => this.#parts.secrets.find(projectId, name) === null)
    if (missing === undefined) return
    throw invalid(
      `There is no secret ${missing.name} in this project: make it first (taibai secret set ${missing.name}).`,
    )
  }
}

const isTaken = (host: string): FaasError => new FaasError('conflict', `${host} leads to another function already.`)
