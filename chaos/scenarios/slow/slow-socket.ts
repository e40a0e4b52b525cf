import { LabClient } from '../../clients/lab-client.js'
import { Line } from '../../clients/line.js'
import type { Site } from '../../lab/lab.js'
import type { Place } from '../../lab/people.js'
import { SlowLine } from './slow-line.js'

/** So little at a time that what has to wait at first is far from any bound. */
const ASKED_AT_ONCE = 10
const REPEATED = 20

/** A client like all others, whose connection gets slow. */
export class SlowSocket {
  private constructor(
    readonly client: LabClient,
    private readonly line: SlowLine,
  ) {}

  static async open(site: Site, place: Place): Promise<SlowSocket> {
    const line = await SlowLine.open(site, place)
    const random = site.random.stream('slow')
    const { name, token } = line.person
    const plan = { name, token, channelIds: place.channelIds }
    const client = new LabClient(plan, new Line([line.origin], random), random)
    await client.present()
    return new SlowSocket(client, line)
  }

  clog(): Promise<void> {
    return this.line.clog(() => this.askTooMuch())
  }

  closedAfter(): Promise<number> {
    return this.line.closedAfter()
  }

  resume(): void {
    this.line.resume()
  }

  async present(): Promise<void> {
    await this.client.present()
  }

  close(): void {
    this.client.close()
    this.line.close()
  }

  private askTooMuch() {
    for (const [channelId, { lastSeq }] of this.client.views) {
      const since = Math.max(0, lastSeq - REPEATED)
      for (let n = 0; n < ASKED_AT_ONCE; n++) this.client.tell('channel:sync', { channelId, since })
    }
  }
}
