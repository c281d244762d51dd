/** Files of the domain that the simulator's types lead to speak of it; no page has one. */
declare class Buffer extends Uint8Array<ArrayBuffer> {
  static from(text: string): Buffer
  static compare(a: Uint8Array, b: Uint8Array): number
}
