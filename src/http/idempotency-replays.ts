import { Autowired, Service } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { z } from 'zod'
import { Access } from '../access/access.js'
import { LiveSessions } from '../modules/auth/sessions/live-sessions.js'
import type { Answer } from './held-answer.js'

/** The things that a path names, each with the method of the access page that loads it. */
const things = {
  workspaceId: 'workspace',
  projectId: 'project',
  taskId: 'task',
  channelId: 'channel',
  messageId: 'message',
} as const

const signIn = z.object({ data: z.object({ accessToken: z.string() }) })

/** Says whether an answer may be given once more: what its asker may see can have changed since. */
@Service()
export class IdempotencyReplays {
  @Autowired(Access) private access!: Access
  @Autowired(LiveSessions) private sessions!: LiveSessions

  /**
   * False for an answer that is of no use any more, since the session that it began is over.
   * @throws what the access page says of a thing that the asker does not see any more
   */
  async allow(ctx: RequestContext, { body }: Answer): Promise<boolean> {
    // An answer without a body tells nothing, such as that of one who left and sees nothing since.
    if (body === '') return true
    const user = ctx.get<{ id: string }>('user')
    if (user) await this.requireSight(user, ctx.params)
    const accessToken = signIn.safeParse(JSON.parse(body)).data?.data.accessToken
    return accessToken === undefined || this.sessions.outlives(accessToken)
  }

  private async requireSight(user: { id: string }, params: RequestContext['params']): Promise<void> {
    for (const [name, thing] of Object.entries(things)) {
      const id: unknown = params[name]
      if (typeof id === 'string') await this.access[thing](user, id)
    }
  }
}
