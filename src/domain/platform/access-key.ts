/**
 * A pair of id and secret that stands for a token, for callers who sign requests instead of sending a token: clients of AWS
 * Lambda. It has the rights of its token, while that is valid. The secret is shown once and stored encrypted, because a hash of
 * it could not verify signatures.
 */
export interface AccessKey {
  /** Twenty letters and digits, the format that clients expect. */
  id: string
  name: string
  /** Null: the installation's admin token. */
  tokenId: string | null
  projectId: string
  sealedSecret: string
  createdAt: number
}

export interface AccessKeyStore {
  insert(key: AccessKey): void
  list(): AccessKey[]
  delete(id: string): boolean
}
