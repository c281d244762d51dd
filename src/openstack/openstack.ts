import { randomUUID } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import type { ContainerListings, MessageQueues, ObjectStore, Trusts } from '../domain/platform/openstack.ts'
import type { Principal } from '../domain/platform/principal.ts'
import type { Log } from '../domain/runs/log.ts'
import { Keystone } from './keystone.ts'
import { KeystoneTokens } from './keystone-tokens.ts'
import { KeystoneTrusts } from './keystone-trusts.ts'
import { SwiftObjects } from './swift-objects.ts'
import { ZaqarQueues } from './zaqar-queues.ts'

/** Settings, named as in `config.ts`. */
export interface OpenStackSettings {
  keystoneAuthUrl?: string
  keystoneUser: string
  keystonePassword?: string
  keystoneProject: string
  keystoneUserDomain: string
  keystoneProjectDomain: string
  keystoneCacheSeconds: number
  openstackInterface: string
  openstackRegion?: string
  openstackTimeoutMs: number
  maxSwiftObjectBytes: number
}

/** The surrounding OpenStack, as far as we use it. */
export interface OpenStack {
  authenticate(token: string): Principal | null | Promise<Principal | null>
  trusts: Trusts
  objects: ObjectStore
  containers: ContainerListings
  queues: MessageQueues
}

/** Throws an Error with a sentence when a setting is missing. Keystone need not be reachable yet. */
export function makeOpenStack(settings: OpenStackSettings, clock: Clock, log: Log): OpenStack {
  const { keystoneAuthUrl: authUrl, keystonePassword: password, openstackTimeoutMs: timeoutMs } = settings
  if (authUrl === undefined || password === undefined) {
    throw new Error(
      'TAIBAI_AUTH=keystone needs TAIBAI_KEYSTONE_AUTH_URL and TAIBAI_KEYSTONE_PASSWORD, the password of the service user.',
    )
  }
  const { keystoneUser: user, keystoneProject: project } = settings
  const { keystoneUserDomain: userDomain, keystoneProjectDomain: projectDomain } = settings
  const options = { authUrl, user, password, project, userDomain, projectDomain, timeoutMs }
  const keystone = new Keystone({ options, clock, log })
  keystone.userId().catch((error: Error) => log.warn({ reason: error.message }, 'Keystone cannot be used yet'))
  const { openstackInterface, openstackRegion, maxSwiftObjectBytes, keystoneCacheSeconds } = settings
  const service = { interface: openstackInterface, region: openstackRegion, timeoutMs }
  const objects = new SwiftObjects({ keystone, options: { ...service, maxBytes: maxSwiftObjectBytes } })
  const tokens = new KeystoneTokens({ keystone, clock, log, cacheMs: keystoneCacheSeconds * 1000 })
  return {
    authenticate: tokens.authenticate,
    trusts: new KeystoneTrusts({ keystone, clock, log }),
    objects,
    containers: objects,
    queues: new ZaqarQueues({ keystone, options: service, clientId: randomUUID() }),
  }
}
