/** The types of domain files used by the simulator mention Buffer, which pages do not have. */
declare class Buffer extends Uint8Array<ArrayBuffer> {
  static from(text: string): Buffer
  static compare(a: Uint8Array, b: Uint8Array): number
}
