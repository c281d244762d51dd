/** The few settings that HTTP itself needs; named as in `config.ts`. */
export interface HttpSettings {
  /** Address that the server listens on. */
  host: string
  /** Open mode: everybody is an admin. */
  isOpen: boolean
  /** Most bytes of a body that is not a package. */
  maxBodyBytes: number
  /** Most bytes of all bodies together. */
  maxBodiesBytes: number
  maxPackageBytes: number
  /** Believe what a proxy says about scheme, host and prefix. */
  trustProxy: boolean
  /** From one address; more are told to wait. */
  wrongTokensPerMinute: number
  corsOrigins: string[]
  /** Base of webhook URLs; absent: where the caller reached the server. */
  publicUrl?: string
}
