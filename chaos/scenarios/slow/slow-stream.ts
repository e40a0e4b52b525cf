import type { Activity } from '../../../src/modules/activity/activity.contract.js'
import { Api } from '../../../test/support/api.js'
import { ResumedStream } from '../../../test/support/resumed-stream.js'
import { allOf, exactly, type Figure, told } from '../../lab/figures.js'
import type { Site } from '../../lab/lab.js'
import type { Place } from '../../lab/people.js'
import { SlowLine } from './slow-line.js'
import { TaskWriter } from './task-writer.js'

/** So much is written before anything is observed that the memory it takes is there. */
const FLOODS_AT_FIRST = 20

const selectActivities = `
  select id, seq::int from activities where workspace_id = $1 and seq > $2 order by seq`

/** Somebody follows the activity of a workspace, in which a lot happens, and his connection gets slow. */
export class SlowStream {
  private readonly streams: ResumedStream<Activity>[] = []
  /** What he read in the list after a `reset`. */
  private readonly loaded: Activity[] = []
  private resumedBy = ''

  private constructor(
    private readonly site: Site,
    private readonly workspaceId: string,
    private readonly line: SlowLine,
    private readonly writer: TaskWriter,
  ) {}

  static async open(site: Site, place: Place): Promise<SlowStream> {
    const line = await SlowLine.open(site, place)
    const stream = new SlowStream(site, place.workspaceId, line, await TaskWriter.start(place))
    await stream.connect()
    for (let n = 0; n < FLOODS_AT_FIRST; n++) await stream.writer.flood()
    return stream
  }

  clog(): Promise<void> {
    return this.line.clog(() => this.writer.flood())
  }

  closedAfter(): Promise<number> {
    return this.line.closedAfter()
  }

  /** The network is well again: he goes on from the last event that he has heard. */
  async resume(): Promise<void> {
    const cut = this.streams.at(-1)
    this.line.resume()
    await cut?.end()
    const since = Number(cut?.lastEventId)
    this.resumedBy = await this.connect(cut?.lastEventId)
    if (this.resumedBy === 'reset') await this.load(since)
  }

  /** Lets the writing end, and holds what he knows against what is stored. */
  async finish(): Promise<Figure[]> {
    await this.writer.stop()
    const since = Number(this.streams[0]?.heard[0]?.id)
    const stored = await this.stored(since)
    const lastSeq = stored.at(-1)?.seq ?? 0
    await this.streams.at(-1)?.next(({ seq }) => seq >= lastSeq)
    const heard = this.streams.flatMap(({ rows }) => rows)
    const known = new Map([...heard, ...this.loaded].map(({ id, seq }) => [seq, id]))
    const shown = stored.filter(({ id, seq }) => known.get(seq) === id).length
    return [
      told('the stream resumed with', this.resumedBy),
      allOf('activities known after it', shown, stored.length),
      exactly('activities heard twice or out of order', disorders(heard), 0),
    ]
  }

  close(): void {
    for (const stream of this.streams) stream.close()
    this.line.close()
  }

  /** @returns with what it began: `ready` or `reset` */
  private async connect(lastEventId?: string): Promise<string> {
    const { line, workspaceId } = this
    const url = `${line.origin}/api/v1/workspaces/${workspaceId}/activity/live`
    const stream = new ResumedStream<Activity>(
      'activity',
      url,
      { accessToken: line.person.token },
      lastEventId,
    )
    this.streams.push(stream)
    return (await stream.ready()).event
  }

  private async load(since: number) {
    const api = new Api(this.line.origin, this.line.person.token)
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/workspaces/${this.workspaceId}/activity?limit=100${cursor && `&cursor=${cursor}`}`
      const { body } = await api.get(path)
      const page: Activity[] = body.data
      this.loaded.push(...page)
      cursor = page.some(({ seq }) => seq <= since) ? null : body.meta.nextCursor
    }
  }

  private stored(since: number): Promise<{ id: string; seq: number }[]> {
    return this.site.lab.postgres.connected(this.site.database, async client => {
      const { rows } = await client.query<{ id: string; seq: number }>(selectActivities, [
        this.workspaceId,
        since,
      ])
      return rows
    })
  }
}

function disorders(heard: readonly Activity[]): number {
  return heard.filter(({ seq }, n) => seq <= (heard[n - 1]?.seq ?? 0)).length
}
