/** The settings that HTTP needs; named as in `config.ts`. */
export interface HttpSettings {
  /** Address that the server listens on. */
  host: string
  /** Open mode: every caller is an admin. */
  isOpen: boolean
  /** Limit of a body that is not a package. */
  maxBodyBytes: number
  /** Limit of all bodies together. */
  maxBodiesBytes: number
  maxPackageBytes: number
  /** Maximum of a function's timeout. */
  timeoutMaxSeconds: number
  /** Use a proxy's headers for scheme, host and prefix. */
  trustProxy: boolean
  /** Limit of wrong tokens from one address; beyond it, callers must wait. */
  wrongTokensPerMinute: number
  corsOrigins: string[]
  /** Base of webhook URLs; absent: the address at which the caller reached the server. */
  publicUrl?: string
}
