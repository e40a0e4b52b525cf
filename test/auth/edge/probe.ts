import { Autowired, Controller, Delete, Get, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { v7 } from 'uuid'
import { z } from 'zod'
import { controllers } from '../../../src/app.js'
import { Database } from '../../../src/db/database.js'
import { workspaces } from '../../../src/db/schema/people.js'
import { refuse } from '../../../src/errors.js'
import { noQuery, streamQuery } from '../../../src/fields.contract.js'
import { Public, Stream } from '../../../src/http/route-flags.js'

const whoAmI = { query: noQuery }
const addNote = { query: noQuery, body: z.strictObject({ text: z.string(), how: z.string().optional() }) }
const watch = { params: z.object({ id: z.string() }), query: streamQuery }

/** Routes of every kind, for what happens at the edge before and around a handler. A note is a workspace. */
@Controller()
export class Probe {
  @Autowired(Database) private db!: Database
  /** Handlers that were asked to wait do so until it resolves. */
  gate: Promise<void> = Promise.resolve()
  /** Refuses each request before it writes. */
  closed = false
  /** How often a handler was asked to fail once. */
  failures = 0

  @Get('/probe', whoAmI)
  who({ user }: RouteContext<typeof whoAmI>) {
    return user
  }

  @Delete('/probe', whoAmI)
  remove() {}

  @Public()
  @Get('/probe/open', whoAmI)
  open(ctx: RouteContext<typeof whoAmI>) {
    return { anonymous: ctx.get('user') === undefined }
  }

  @Stream()
  @Get('/probe/:id/live', watch)
  live(ctx: RouteContext<typeof watch>) {
    ctx.sse().send(ctx.user)
  }

  @Post('/probe/notes', addNote)
  note(ctx: RouteContext<typeof addNote>) {
    return this.add(ctx)
  }

  @Public()
  @Post('/probe/open/notes', addNote)
  openNote(ctx: RouteContext<typeof addNote>) {
    return this.add(ctx)
  }

  private async add(ctx: RouteContext<typeof addNote>) {
    const { text, how } = ctx.body
    if (this.closed) throw refuse('FORBIDDEN')
    if (how === 'wait' || how === 'wait-and-fail-once') await this.gate
    if (how === 'wait-and-fail-once' && this.failures++ === 0) throw new Error('broken once')
    if (how === 'break-first') throw new Error('broken before')
    if (how === 'nothing') return undefined
    const id = v7()
    await this.db.write(tx => tx.insert(workspaces).values({ id, name: text, slug: id }))
    if (how === 'refuse') throw refuse('ALREADY_MEMBER')
    if (how === 'break') throw new Error('broken after')
    if (how === 'wait-after') await this.gate
    if (how === 'follow-up') ctx.res.once('close', () => void this.writeLater(`${text}, later`))
    ctx.res.append('Set-Cookie', `note=${id}`)
    return ctx.created({ id, text }, `/api/v1/probe/notes/${id}`)
  }

  private async writeLater(name: string) {
    await this.db.write(tx => tx.insert(workspaces).values({ name, slug: v7() }))
  }
}

controllers.push(Probe)
