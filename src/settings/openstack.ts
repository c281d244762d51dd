import { z } from 'zod'
import { int, mib, secret } from './value-kinds.ts'

export const openstack = {
  keystoneAuthUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('With keystone: base of its Identity API, such as http://host:5000/v3.'),
  keystoneUser: z
    .string()
    .default('taibai')
    .describe('Service user: it checks tokens, and the trusts of functions are made for it.'),
  keystonePassword: z.string().optional().meta(secret).describe('Password of the service user; no function sees it.'),
  keystoneProject: z
    .string()
    .default('service')
    .describe('Project of the service user; its role there must be admin or service.'),
  keystoneUserDomain: z.string().default('Default').describe('Name of the domain of the service user.'),
  keystoneProjectDomain: z.string().default('Default').describe('Name of the domain of its project.'),
  keystoneCacheSeconds: int(1, 3600)
    .default(30)
    .describe(
      'Time for which a checked Keystone token is not checked again; a revoked one is refused after it at the latest.',
    ),
  openstackInterface: z
    .enum(['public', 'internal', 'admin'])
    .default('public')
    .describe('Interface of the endpoints in the Keystone catalogue that are used for Swift.'),
  openstackRegion: z.string().optional().describe('Region of those endpoints; default: the first there is.'),
  openstackTimeoutMs: int(100).default(5000).describe('Longest wait for an answer of Keystone or Swift.'),
  maxSwiftObjectBytes: int(1)
    .default(51 * mib)
    .describe('Largest object in Swift that can be the code of a function.'),
  swiftCheckSeconds: int(1)
    .default(10)
    .describe(
      'Seconds between two checks of the object of a function from Swift while it is called; it is also checked before the first worker.',
    ),
}
