import { z } from 'zod'
import { int, mib, secret } from './value-kinds.ts'

export const openstack = {
  keystoneAuthUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('With keystone: base URL of the Identity API, such as http://host:5000/v3.'),
  keystoneUser: z
    .string()
    .default('taibai')
    .describe("Service user: it validates tokens and is the trustee of functions' trusts."),
  keystonePassword: z
    .string()
    .optional()
    .meta(secret)
    .describe('Password of the service user; functions never see it.'),
  keystoneProject: z
    .string()
    .default('service')
    .describe('Project of the service user; its role there must be admin or service.'),
  keystoneUserDomain: z.string().default('Default').describe('Name of the domain of the service user.'),
  keystoneProjectDomain: z.string().default('Default').describe("Name of the domain of the service user's project."),
  keystoneCacheSeconds: int(1, 3600)
    .default(30)
    .describe(
      'Time for which a validated Keystone token is cached; a revoked token is refused after this time at the latest.',
    ),
  openstackInterface: z
    .enum(['public', 'internal', 'admin'])
    .default('public')
    .describe('Interface of the Swift endpoint in the Keystone catalogue.'),
  openstackRegion: z.string().optional().describe('Region of that endpoint; default: the first one in the catalogue.'),
  openstackTimeoutMs: int(100).default(5000).describe('Maximum time to wait for a response of Keystone or Swift.'),
  maxSwiftObjectBytes: int(1)
    .default(51 * mib)
    .describe("Maximum size of a Swift object that can be a function's code."),
  swiftCheckSeconds: int(1)
    .default(10)
    .describe(
      "Seconds between two checks of a function's Swift object while the function is called; it is also checked before the first worker starts.",
    ),
}
