import { hash, randomBytes } from 'node:crypto'

const ownPrefix = 'tb_'

/** Whether we issued the token, by its prefix: Keystone tokens look different. */
export const isOwnToken = (token: string): boolean => token.startsWith(ownPrefix)

export const newSecret = (): string => `${ownPrefix}${randomBytes(32).toString('base64url')}`

/** A token with 256 random bits needs no slow hash. */
export const hashOf = (token: string): string => hash('sha256', token, 'hex')
