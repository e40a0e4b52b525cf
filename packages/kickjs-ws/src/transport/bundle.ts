const NOTHING = Buffer.alloc(0)

/**
 * Frames that leave together, in their order. Connections that are sent the same ones share the bundle,
 * and so the bytes that they are joined to.
 */
export class Bundle {
  readonly bytes: number
  readonly count: number
  /** The latest bundle that goes on from here. */
  private longer: Bundle | undefined
  private joined: Buffer | undefined

  constructor(
    private readonly before?: Bundle,
    private readonly frame: Buffer = NOTHING,
  ) {
    this.bytes = (before?.bytes ?? 0) + frame.length
    this.count = before ? before.count + 1 : 0
  }

  /** This one and a frame more: the same bundle for all who ask one after the other. */
  and(frame: Buffer): Bundle {
    if (this.longer?.frame !== frame) this.longer = new Bundle(this, frame)
    return this.longer
  }

  toBuffer(): Buffer {
    this.joined ??= this.count === 1 ? this.frame : Buffer.concat(this.frames(), this.bytes)
    return this.joined
  }

  private frames(): Buffer[] {
    const frames: Buffer[] = []
    for (let bundle: Bundle | undefined = this; bundle; bundle = bundle.before) frames.push(bundle.frame)
    return frames.reverse()
  }
}
