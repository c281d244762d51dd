import { FaasError } from '../../../domain/errors.ts'
import type { ImageMode, Network } from '../../../domain/functions/function.ts'
import { packageRefusal } from '../../../domain/functions/package-beside-image.ts'
import type { SandboxSpec } from '../sandbox.ts'

/** Throws FaasError `not_supported`: a sandbox that requires more isolation must not run with less. */
export function refuseOnSwarm(
  spec: Pick<SandboxSpec, 'network' | 'trusted' | 'sandbox' | 'key' | 'beside'>,
  untrustedOciRuntime: string | undefined,
): void {
  if (spec.sandbox || (!spec.trusted && untrustedOciRuntime !== undefined)) throw notHere('ociRuntime')
  // An image that runs to its end talks to nobody.
  const isAlone = spec.key === undefined && spec.beside === undefined
  if (spec.network === 'none' && !isAlone) throw notHere('none')
}

/** What is known of a function when it is deployed. Null: it can run on a swarm. */
export function refusalOnSwarm(wanted: {
  network: Network
  mode: ImageMode | null
  hasPackage: boolean
}): string | null {
  const { network, mode } = wanted
  if (mode === 'lambda') return sentences.lambda
  if (network === 'none' && mode !== 'command') return sentences.none
  return packageRefusal(wanted, false)
}

const sentences = {
  lambda:
    'Images of mode "lambda" do not run on a swarm: give them a server with an engine of its own, or let the image serve HTTP (mode "http").',
  ociRuntime:
    'Tasks of a swarm cannot have an OCI runtime of their own (TAIBAI_UNTRUSTED_OCI_RUNTIME, "sandbox" of a function): make it the default of the engine of each node and leave both out, or give such functions a server with an engine of its own.',
  none: 'Functions with "network": "none" cannot run on a swarm: a worker without a network could not call the server.',
}

const notHere = (what: keyof typeof sentences): FaasError => new FaasError('not_supported', sentences[what])
