import { OpenStackSession } from '../domain/platform/openstack.ts'
import { type ServiceAnswer, ServiceFailure } from './service-request.ts'

/** Keystone's description of a token; null without a project, because it has no use here. Pure. */
export interface CheckedToken {
  userId: string
  expiresAtMs: number
  session: OpenStackSession | null
}

interface TokenJson {
  user?: { id?: unknown }
  expires_at?: unknown
  project?: { id?: unknown }
  roles?: unknown
  catalog?: unknown
  'OS-TRUST:trust'?: { id?: unknown }
}

/** Throws ServiceFailure for an invalid response of Keystone v3. */
export function readToken(answer: ServiceAnswer, token: string, authUrl: string): CheckedToken {
  const told = answer.json?.token as TokenJson | undefined
  const userId = told?.user?.id
  const expiresAtMs = typeof told?.expires_at === 'string' ? Date.parse(told.expires_at) : Number.NaN
  if (told === undefined || typeof userId !== 'string' || Number.isNaN(expiresAtMs)) {
    throw notKeystone()
  }
  const projectId = told.project?.id
  if (typeof projectId !== 'string') return { userId, expiresAtMs, session: null }
  const trustId = told['OS-TRUST:trust']?.id
  const { catalog, ...details } = told
  const roles = Array.isArray(told.roles) ? told.roles.filter(isRole).map(({ id, name }) => ({ id, name })) : []
  const session = new OpenStackSession({
    token,
    expiresAtMs,
    userId,
    projectId,
    roles,
    trustId: typeof trustId === 'string' ? trustId : null,
    authUrl,
    details: { ...details, roles },
    catalog: Array.isArray(catalog) ? JSON.stringify(catalog) : null,
  })
  return { userId, expiresAtMs, session }
}

const isRole = (value: unknown): value is { id: string; name: string } =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { id?: unknown }).id === 'string' &&
  typeof (value as { name?: unknown }).name === 'string'

export const notKeystone = (): ServiceFailure =>
  new ServiceFailure('Keystone answered with something that is not its v3 API; look at the auth URL.')
