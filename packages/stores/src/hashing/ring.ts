/** How much memory one write moves its bytes through: its share is `slots * slotBytes`, in bytes. */
export interface RingShape {
  readonly slots: number
  readonly slotBytes: number
}

/** Slots of shared memory, which this thread fills and hash workers read. Pages cost nothing until they are filled. */
export class Ring {
  readonly memory: SharedArrayBuffer
  readonly slots: number
  readonly slotBytes: number

  constructor(shape: RingShape) {
    this.slots = shape.slots
    this.slotBytes = shape.slotBytes
    this.memory = new SharedArrayBuffer(shape.slots * shape.slotBytes)
  }

  /** Where the slot begins in the memory. */
  offset(slot: number): number {
    return slot * this.slotBytes
  }

  /** The first `length` bytes of the slot, not copied. */
  view(slot: number, length: number = this.slotBytes): Uint8Array {
    return new Uint8Array(this.memory, this.offset(slot), length)
  }
}
