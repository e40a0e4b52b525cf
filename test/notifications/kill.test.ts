import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Notification } from '../../src/modules/notifications/notifications.contract.js'
import { until } from '../cluster/nodes.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { cloneDatabase } from '../support/database.js'
import { MailServer } from '../support/mail-server.js'
import { startServer, temporaryFolder } from '../support/process.js'
import { newProject, newTask } from '../work/support.js'

const ROUNDS = 3

interface Place {
  ann: TestUser
  ben: TestUser
  workspaceId: string
  project: { id: string }
  channelId: string
}

async function settle(origin: string): Promise<Place> {
  const [ann, ben] = [await register(origin, 'Ann'), await register(origin, 'Ben')]
  const { id: workspaceId } = await workspaceOf(ann, ben)
  const project = await newProject(ann, workspaceId)
  const channel = { name: 'general', type: 'public' }
  const { id: channelId } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, channel)
  return { ann, ben, workspaceId, project, channelId }
}

/** The same user at a server that was started anew. */
const at = (origin: string, { accessToken }: TestUser) => new Api(origin, accessToken)

async function notificationsOf(api: Api): Promise<Notification[]> {
  const all: Notification[] = []
  for (let cursor = ''; ; ) {
    const { body } = await api.get(`/notifications?limit=100${cursor && `&cursor=${cursor}`}`)
    all.push(...body.data)
    if (body.meta.nextCursor === null) return all.toReversed()
    cursor = body.meta.nextCursor
  }
}

async function connect(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // The end of the database ends it, too.
  client.on('error', () => {})
  return client
}

/** A server on a database of its own, and a connection past it. */
async function startOnPostgres() {
  const database = await cloneDatabase()
  const env = { DATABASE_URL: database.url, VIBED_DATA_DIR: temporaryFolder(), RATE_LIMITS: 'off' }
  const client = await connect(database.url)
  onTestFinished(async () => {
    await client.end()
    await database.drop()
  })
  return { ...(await startServer(env)), env, client }
}

/** All that was done so far has been looked at. */
function lookedAt(client: pg.Client): Promise<void> {
  const behind = `select 1 from workspaces w left join notification_progress p on p.workspace_id = w.id
    where w.last_seq > coalesce(p.seq, 0)
    union all select 1 from message_mentions where not is_settled union all select 1 from untold_replies`
  return until(async () => (await client.query(behind)).rows.length === 0, 'the notifier', 15_000)
}

describe('a server that is killed', () => {
  test('after a change was committed, and before anybody was notified, notifies him once when it is back', async () => {
    const { server, origin, env, client } = await startOnPostgres()
    const { ann, ben, workspaceId, project, channelId } = await settle(origin)
    await lookedAt(client)
    const before = (await notificationsOf(ben.api)).length
    // Whoever holds these keeps everybody else from making notifications of what comes.
    await client.query('begin')
    await client.query('select * from notification_progress where workspace_id = $1 for update', [
      workspaceId,
    ])
    const task = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    expect(task.assignees).toMatchObject([{ id: ben.id }])
    await server.kill()
    await client.query('commit')
    const again = await startServer(env)
    await lookedAt(client)
    const told = (await notificationsOf(at(again.origin, ben))).slice(before)
    expect(told.map(({ type, taskId }) => [type, taskId])).toEqual([['task.assigned', task.id]])
    // Another start finds nothing left to tell.
    const content = `@${ben.user.username}`
    await at(again.origin, ann).data('POST', `/channels/${channelId}/messages`, { content })
    await lookedAt(client)
    await again.server.kill()
    const third = await startServer(env)
    await lookedAt(client)
    const types = (await notificationsOf(at(third.origin, ben))).slice(before).map(({ type }) => type)
    expect(types).toEqual(['task.assigned', 'message.mentioned'])
  })

  test('in the middle of making a notification makes it once when it is back', async () => {
    const { server, origin, env, client } = await startOnPostgres()
    const { ann, ben, project } = await settle(origin)
    await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    await lookedAt(client)
    const before = (await notificationsOf(ben.api)).length
    // It has taken its turn, and waits for the user's next number.
    await client.query('begin')
    await client.query('select * from notification_sequences where user_id = $1 for update', [ben.id])
    const task = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    const waits = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%notification_sequences%'`
    // What others do is only seen anew outside of a transaction.
    const onlooker = await connect(env.DATABASE_URL)
    await until(async () => (await onlooker.query(waits)).rows.length > 0, 'the notifier at its work')
    await onlooker.end()
    await server.kill()
    await client.query('commit')
    const again = await startServer(env)
    await lookedAt(client)
    const told = (await notificationsOf(at(again.origin, ben))).slice(before)
    expect(told.map(({ type, taskId }) => [type, taskId])).toEqual([['task.assigned', task.id]])
  })

  test.each(['embedded', 'postgres'])(
    'on %s again and again, amid all of it, has told everything once',
    {
      timeout: 120_000,
    },
    async on => {
      const mail = await MailServer.start()
      onTestFinished(() => mail.stop())
      const database = on === 'postgres' ? await cloneDatabase() : undefined
      const env = {
        VIBED_DATA_DIR: temporaryFolder(),
        RATE_LIMITS: 'off',
        ...(database && { DATABASE_URL: database.url, SMTP_URL: mail.url, MAIL_FROM: 'vibed@example.org' }),
      }
      let place: Place | undefined
      /** What was acknowledged: tasks that were assigned, and messages with a mention. */
      const done = new Set<string>()
      for (let round = 0; round < ROUNDS; round++) {
        const { server, origin } = await startServer(env)
        place ??= await settle(origin)
        const { ann, ben, project, channelId } = place
        const api = at(origin, ann)
        const enough = done.size + 10 + Math.floor(Math.random() * 30)
        const lane = async (write: () => Promise<string>) => {
          while (done.size < enough) done.add(await write())
          server.signal('SIGKILL')
        }
        const assign = async () => (await newTask(api, project.id, { assigneeIds: [ben.id] })).id
        const mention = async () => {
          const content = `@${ben.user.username}`
          return (await api.data('POST', `/channels/${channelId}/messages`, { content })).messageId
        }
        // Whoever waits for an answer when the server dies ends with a broken connection.
        await Promise.allSettled([assign, assign, mention, mention].map(lane))
        await server.ended
      }
      if (!place) throw new Error('no round was played')
      const { origin, server } = await startServer(env)
      const ben = at(origin, place.ben)
      const told = async () => (await notificationsOf(ben)).filter(({ type }) => type !== 'workspace.invited')
      const ids = async () => (await told()).map(({ taskId, messageId }) => taskId ?? messageId)
      await until(
        async () => {
          const known = new Set(await ids())
          return [...done].every(id => known.has(id))
        },
        'all notifications',
        20_000,
      )
      const all = await ids()
      expect(new Set(all).size).toBe(all.length)
      const seqs = (await notificationsOf(ben)).map(({ seq }) => seq)
      expect(seqs).toEqual(seqs.map((_, n) => n + 1))
      if (database) await expectMails(database.url, mail, all.length)
      await server.kill()
      await database?.drop()
    },
  )
})

/** One for each notification: one that was sent twice, by a server that was killed right then, has one id. */
async function expectMails(url: string, mail: MailServer, count: number) {
  const client = await connect(url)
  const left = `update mails set due_at = least(due_at, now()) where sent_at is null returning id`
  await until(async () => (await client.query(left)).rows.length === 0, 'the mails', 30_000)
  const subjects = mail.received.filter(({ subject }) => !subject.includes('invited'))
  expect(new Set(subjects.map(({ messageId }) => messageId)).size).toBe(count)
  await client.end()
}
