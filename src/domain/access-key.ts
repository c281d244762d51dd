/**
 * A pair of id and secret that stands for a token where callers sign what they send and do not send a token: clients of AWS
 * Lambda. It may what its token may, as long as that is good. The secret is shown once and kept encrypted: a hash of it
 * could check no signature.
 */
export interface AccessKey {
  /** Twenty letters and digits, as clients expect it. */
  id: string
  name: string
  /** Null: the admin token of the installation. */
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
