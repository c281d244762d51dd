import { FaasError } from '../../../domain/errors.ts'
import type { SandboxSpec } from '../sandbox.ts'

/** Throws FaasError `not_supported`: a sandbox that requires more isolation must not run with less. */
export function refuseOnSwarm(
  spec: Pick<SandboxSpec, 'key' | 'network' | 'trusted' | 'sandbox'>,
  untrustedOciRuntime: string | undefined,
): void {
  if (spec.key === undefined) throw notHere('images')
  if (spec.sandbox || (!spec.trusted && untrustedOciRuntime !== undefined)) throw notHere('ociRuntime')
  if (spec.network === 'none') throw notHere('none')
}

const sentences = {
  images:
    'Functions that are images of their own do not run on a swarm yet: give them a server with an engine of its own.',
  ociRuntime:
    'Tasks of a swarm cannot have an OCI runtime of their own (TAIBAI_UNTRUSTED_OCI_RUNTIME, "sandbox" of a function): make it the default of the engine of each node and leave both out, or give such functions a server with an engine of its own.',
  none: 'Functions with "network": "none" cannot run on a swarm: a worker without a network could not call the server.',
}

export const notHere = (what: keyof typeof sentences): FaasError => new FaasError('not_supported', sentences[what])
